// Flags as a stream, by hand: what is sent when, and that streams end.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createParser } from "eventsource-parser";
import { describe, expect, test } from "vitest";
import { flagOf } from "./agree.ts";
import { OFTEN, RARELY, until } from "./local-clients.ts";
import { ask, runService, TestSource } from "./service-server.ts";

const PATH = "/sdk/stream/v1/flags";
const KEEP_ALIVE = "data:  \n\n";
const flag = (key: string, more: object = {}) => flagOf(key, [{ variant: "on" }], more);
const textOf = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

class Stream {
  readonly response: IncomingMessage;
  text = "";
  hasEnded = false;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8");
    response.on("close", () => {
      this.hasEnded = true;
    });
    response.on("error", () => {});
  }

  /** Not read until {@link read}. */
  static async open(url: string, key?: string): Promise<Stream> {
    const headers = key === undefined ? {} : { Authorization: `Api-Key ${key}` };
    const asked = request(url + PATH, { headers, agent: false }).end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return new Stream(response);
  }

  static async read(url: string, key?: string): Promise<Stream> {
    return (await Stream.open(url, key)).read();
  }

  read(): this {
    this.response.on("data", (text: string) => {
      this.text += text;
    });
    return this;
  }

  /** The data of all events, as a client parses them. */
  get data(): string[] {
    const data: string[] = [];
    const parser = createParser({ onEvent: (event) => void data.push(event.data) });
    parser.feed(this.text);
    return data;
  }
}

describe("the stream of flags", () => {
  test("has all flags at once, and again when they change", async () => {
    const source = new TestSource([flag("a")]);
    const { url } = await runService({ source, streamKeepAliveMillis: RARELY });
    const streams = [await Stream.read(url), await Stream.read(url)];
    for (const { response } of streams) {
      expect(response.statusCode).toBe(200);
      expect(response.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
      expect(response.headers["cache-control"]).toBe("no-store");
      expect(response.headers).not.toHaveProperty("content-encoding");
    }
    const first = textOf([flag("a")]);
    await until(() => streams.every(({ text }) => text === first));
    source.update([flag("a")]);
    source.update([flag("b ünï 😀")]);
    const second = first + textOf([flag("b ünï 😀")]);
    await until(() => streams.every(({ text }) => text === second));
    source.update([]);
    await until(() => streams.every(({ text }) => text === second + textOf([])));
  });

  test("is kept alive by a single space", async () => {
    const source = new TestSource([flag("a")]);
    const { url } = await runService({ source, streamKeepAliveMillis: OFTEN });
    const stream = await Stream.read(url);
    const before = textOf([flag("a")]) + KEEP_ALIVE.repeat(3);
    await until(() => stream.text.startsWith(before));
    expect(stream.data.slice(1, 4)).toEqual([" ", " ", " "]);
    source.update([flag("b")]);
    await until(() => stream.text.endsWith(textOf([flag("b")]) + KEEP_ALIVE.repeat(2)));
    expect(stream.data.filter((data) => data !== " ")).toHaveLength(2);
  });

  test("has flags whose text has several lines", async () => {
    const source = new TestSource();
    const lines = '[\r\n{"key":"a",\r\r"variants":{},\n\n"segments":[]}\n]';
    source.update(JSON.parse(lines), lines);
    const { url } = await runService({ source });
    const stream = await Stream.read(url);
    await until(() => stream.data.length === 1);
    expect(stream.text).not.toContain("\r");
    expect(JSON.parse(stream.data[0])).toEqual([{ key: "a", variants: {}, segments: [] }]);
  });

  test("has for a client key only what it may see, and only changes of that", async () => {
    const local = flag("local", { metadata: { evaluationMode: "local" } });
    const source = new TestSource([flag("secret"), local]);
    const keys = ["key", "client-key"];
    const { url } = await runService({ source, keys, streamKeepAliveMillis: RARELY });
    const [page, server] = [await Stream.read(url, "client-key"), await Stream.read(url, "key")];
    expect(page.response.headers["access-control-allow-origin"]).toBe("*");
    expect(server.response.headers).not.toHaveProperty("access-control-allow-origin");
    await until(() => server.data.length === 1);
    source.update([flag("secret 2"), local]);
    await until(() => server.data.length === 2);
    source.update([local, { ...local, key: "local 2" }]);
    await until(() => server.data.length === 3 && page.data.length === 2);
    const pageText = textOf([local]) + textOf([local, { ...local, key: "local 2" }]);
    expect(page.text).toBe(pageText);
    expect(page.text).not.toContain("secret");
  });
});

describe("streams end", () => {
  test("when the service closes, also those that come later", async () => {
    const { url, service } = await runService({ flags: [flag("a")] });
    const streams = [await Stream.read(url), await Stream.read(url)];
    const idle = await Stream.open(url);
    await until(() => streams.every(({ text }) => text !== ""));
    expect(service.metrics.streams).toBe(3);
    service.close();
    service.close();
    expect(service.metrics.streams).toBe(0);
    const late = (await Stream.open(url)).read();
    idle.read();
    await until(() => [...streams, idle, late].every(({ hasEnded }) => hasEnded));
    expect(idle.text).toBe(textOf([flag("a")]));
    expect(streams.every(({ response }) => response.complete)).toBe(true);
    expect(service.metrics.streams).toBe(0);
  });

  test("when their clients go", async () => {
    const source = new TestSource([flag("a")]);
    const { url, service, log } = await runService({ source, streamKeepAliveMillis: OFTEN });
    const streams = await Promise.all([1, 2, 3, 4].map(() => Stream.read(url)));
    const [idle] = [await Stream.open(url)];
    const count = async () => {
      const { text } = await ask(`${url}/metrics`);
      return Number(/^halyard_streams (\d+)$/m.exec(text)?.[1]);
    };
    expect(await count()).toBe(5);
    for (const { response } of [...streams.slice(1), idle]) response.destroy();
    await until(() => service.metrics.streams === 1);
    source.update([flag("b")]);
    await until(() => streams[0].text.includes('"b"'));
    streams[0].response.destroy();
    await until(() => service.metrics.streams === 0);
    source.update([flag("c")]);
    expect(await count()).toBe(0);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("for a HEAD at once", async () => {
    const { url, service } = await runService({ flags: [flag("a")] });
    const { status, headers } = await ask(url + PATH, { method: "HEAD" });
    expect([status, headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
    expect(service.metrics.streams).toBe(0);
  });

  test("without sockets, when their bodies are cancelled", async () => {
    const { service } = await runService({ flags: [flag("a")] });
    const { body } = await service.fetch(new Request(`http://localhost${PATH}`));
    expect(service.metrics.streams).toBe(1);
    await body!.cancel();
    expect(service.metrics.streams).toBe(0);
  });

  test("when there is room for no more, others do not begin", async () => {
    const { url, service } = await runService({ flags: [flag("a")], limits: { streams: 2 } });
    const streams = [await Stream.read(url), await Stream.read(url)];
    const { status, headers, text } = await ask(url + PATH);
    expect([status, JSON.parse(text).error.code]).toEqual([503, "too-many-streams"]);
    expect(headers["retry-after"]).toBe("5");
    streams[0].response.destroy();
    await until(() => service.metrics.streams === 1);
    expect((await Stream.read(url)).response.statusCode).toBe(200);
  });
});

describe("a client that does not read", () => {
  test("misses flags, and then has the newest", async () => {
    const large = (number: number) => flag("a", { metadata: { number, text: "x".repeat(1e6) } });
    const source = new TestSource([large(0)]);
    const { url } = await runService({ source, streamKeepAliveMillis: 1 });
    const [idle, reader] = [await Stream.open(url), await Stream.read(url)];
    const numbersOf = ({ data }: Stream): number[] => {
      const flags = data.filter((text) => text !== " ").map((text) => JSON.parse(text)[0]);
      return flags.map(({ metadata }) => metadata.number);
    };
    const count = 40;
    for (let number = 1; number <= count; number++) {
      source.update([large(number)]);
      await until(() => reader.text.includes(`"number":${number},`));
      reader.text = "";
    }
    idle.read();
    await until(() => idle.text.includes(`"number":${count},`) && idle.text.endsWith("\n\n"));
    const numbers = numbersOf(idle);
    expect(numbers.length).toBeLessThan(count / 2);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBe(count);
  });

  test("has nothing piled up for it", async () => {
    const source = new TestSource([flag("a")]);
    const { service } = await runService({ source, streamKeepAliveMillis: 1 });
    const { body } = await service.fetch(new Request(`http://localhost${PATH}`));
    for (let number = 0; number < 100; number++) source.update([flag(`flag ${number}`)]);
    const alive = await service.fetch(new Request(`http://localhost${PATH}`));
    const aliveReader = alive.body!.getReader();
    // By then the other one was to be kept alive as well.
    for (let part = 0; part < 5; part++) await aliveReader.read();
    const reader = body!.getReader();
    const texts: string[] = [];
    while (!texts.at(-1)?.includes("flag 99")) {
      texts.push(new TextDecoder().decode((await reader.read()).value));
    }
    expect(texts).toEqual([textOf([flag("a")]), textOf([flag("flag 99")])]);
    await Promise.all([reader.cancel(), aliveReader.cancel()]);
  });
});
