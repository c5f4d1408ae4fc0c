// What a thread needs to evaluate on a store: an instance of the core, sessions, and the config
// that the store has published last, as far as this thread has followed.

import { IMAGE_SIZE, U32 } from "../../assembly/layout.ts";
import { ROOT_IMAGE, ROOT_SIZE } from "../../assembly/store-layout.ts";
import { Config } from "./config.ts";
import { type CoreModule, isTrap } from "./core.ts";
import { CoreError } from "./errors.ts";
import { Instance } from "./instance.ts";
import type { Memory } from "./memory.ts";
import { type Room, Seat } from "./seat.ts";
import { Session, SWITCH } from "./session.ts";

export interface AttachmentOptions {
  module: CoreModule;
  instance: Instance;
  /** Where sessions get their memory from. */
  room: Room;
  /** Whether the store belongs to another thread. */
  isGuest: boolean;
  /** After a trap: writes what evaluations go by anew. */
  restore?: (image: Uint8Array) => void;
  /** A store for a config that has been replaced. */
  revive: (config: Config) => Attachment;
}

export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #memory: Memory;
  #instance: Instance;
  #config: Config | undefined;
  #image = 0;
  /** Of the current config, ready for use; as many as evaluations ever nested (a getter of the
   * context may evaluate). */
  #sessions: Session[] = [];
  /** Without a session. */
  #seats: Seat[] = [];
  /** With a session, too. */
  #taken: Seat[] = [];
  /** Since it was last used. */
  #hasLeft = false;
  /** For configs that have been replaced, and are asked again. */
  readonly #revived = new WeakMap<Config, Attachment>();

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.#instance = options.instance;
    this.#memory = options.instance.memory;
  }

  get instance(): Instance {
    return this.#instance;
  }

  /** The config that is live now. */
  get config(): Config {
    // An owner knows; a guest has to look.
    if (this.#options.isGuest) this.giveBack(this.hold());
    return this.#config!;
  }

  /** A session that nobody else uses until it is given back; it may find its root replaced. */
  take(): Session {
    return this.#sessions.pop() ?? this.#open();
  }

  /** As {@link take}, on the root that is live now, until it is given back. */
  hold(): Session {
    const session = this.take();
    try {
      return session.hold() ? session : this.#switch(session);
    } catch (error) {
      const fresh = this.replace(error, session);
      this.giveBack(session);
      return fresh;
    }
  }

  giveBack(session: Session): void {
    if (session.isClosed) return;
    if (session.config !== this.#config || session.instance !== this.#instance) {
      this.#close(session);
      return;
    }
    session.end();
    this.#sessions.push(session);
  }

  /** Evaluates with a session of its own; once more if the root was replaced or the core traps. */
  use<Result>(evaluate: (session: Session) => Result): Result {
    const session = this.take();
    try {
      return evaluate(session);
    } catch (error) {
      return this.retry(error, session, evaluate);
    } finally {
      this.giveBack(session);
    }
  }

  /** As {@link use}, by this very config, even if it has been replaced. */
  useConfig<Result>(config: Config, evaluate: (session: Session) => Result): Result {
    const session = this.hold();
    try {
      if (session.config === config) return evaluate(session);
    } catch (error) {
      const fresh = this.replace(error, session);
      try {
        if (fresh.config === config) return evaluate(fresh);
      } finally {
        this.giveBack(fresh);
      }
    } finally {
      this.giveBack(session);
    }
    return this.#revive(config).use(evaluate);
  }

  #revive(config: Config): Attachment {
    const known = this.#revived.get(config);
    if (known) return known;
    const attachment = this.#options.revive(config);
    this.#revived.set(config, attachment);
    return attachment;
  }

  /** Goes to the current root, or to a new instance after a trap. Other errors go on up. */
  retry<Result>(error: unknown, session: Session, evaluate: (session: Session) => Result): Result {
    if (error !== SWITCH) return this.#heal(error, session, evaluate);
    const held = this.#switch(session);
    try {
      return evaluate(held);
    } catch (again) {
      return this.#heal(again, held, evaluate);
    } finally {
      if (held !== session) this.giveBack(held);
    }
  }

  /** The owner has published a root, of another image if there is a config. */
  follow(root: number, config?: Config): void {
    if (config) {
      this.#config?.retire();
      this.#replaceConfig(root, config);
    }
    for (const session of this.#sessions) session.rest(root);
  }

  /** Gives back the seats, those in use when they are done; evaluating takes some again. */
  leave(): void {
    if (this.#options.isGuest) {
      // Nothing holds the image any more.
      this.#config?.retire();
      this.#config = undefined;
    }
    this.#hasLeft = true;
    for (const session of this.#sessions) this.#close(session);
    this.#sessions = [];
    for (const seat of this.#seats) this.#leaveSeat(seat);
    this.#seats = [];
  }

  #leaveSeat(seat: Seat): void {
    seat.leave();
    this.#taken = this.#taken.filter((other) => other !== seat);
  }

  #open(): Session {
    this.#hasLeft = false;
    const seat = this.#seats.pop() ?? this.#takeSeat();
    const session = this.#enter(seat);
    session.rest(session.root);
    return session;
  }

  #takeSeat(): Seat {
    const { room, isGuest } = this.#options;
    const seat = new Seat(this.#memory, room, isGuest);
    this.#taken.push(seat);
    return seat;
  }

  /** A session on the current root, held; the given one is used no more, unless it is the same. */
  #switch(session: Session): Session {
    const next = this.#enter(session.seat, session);
    next.holdOn(next.root);
    return next;
  }

  /** A session on the current root, which the seat holds; `session` itself if it fits that. */
  #enter(seat: Seat, session?: Session): Session {
    try {
      const root = seat.enter();
      this.#adopt(root, seat);
      if (session?.config === this.#config && session?.instance === this.#instance) {
        session.moveTo(root);
        return session;
      }
      if (session) session.isClosed = true;
      return new Session(this.#config!, this.#instance, seat, root);
    } catch (error) {
      if (session) session.isClosed = true;
      this.#release(seat);
      throw error;
    }
  }

  /** Takes the image of a root that the seat has entered for the config. */
  #adopt(root: number, seat: Seat): void {
    this.#memory.reach(root + ROOT_SIZE);
    const image = this.#imageOf(root);
    // Sessions of the config keep its image from being freed, and so its address from another.
    const isSame = this.#config !== undefined && image === this.#image;
    if (!isSame) this.#config?.retire();
    // Until here whatever was lent could still be read. As short as may be: nothing is freed.
    seat.hold(root);
    if (!isSame) this.#replaceConfig(root, configAt(this.#memory, image));
  }

  /** The old one is retired. */
  #replaceConfig(root: number, config: Config): void {
    for (const session of this.#sessions) this.#close(session);
    this.#sessions = [];
    this.#config = config;
    this.#image = this.#imageOf(root);
  }

  #imageOf(root: number): number {
    return this.#memory.views.u32[(root + ROOT_IMAGE) >>> 2];
  }

  #close(session: Session): void {
    session.isClosed = true;
    this.#release(session.seat);
  }

  #release(seat: Seat): void {
    if (this.#hasLeft) this.#leaveSeat(seat);
    else {
      seat.letGo();
      this.#seats.push(seat);
    }
    // If it was the last one that held a guest's image, the address may soon be another's.
    if (this.#options.isGuest && this.#sessions.length === 0) this.#image = 0;
  }

  /** A held session to go on with instead of one that has trapped; throws any other error. */
  replace(error: unknown, trapped: Session): Session {
    if (!isTrap(error)) throw error;
    // A trapped instance is not trusted any more.
    if (trapped.instance === this.#instance) this.#replaceInstance();
    const session = this.take();
    return session.hold() ? session : this.#switch(session);
  }

  #heal<Result>(error: unknown, trapped: Session, evaluate: (session: Session) => Result): Result {
    const session = this.replace(error, trapped);
    try {
      return evaluate(session);
    } catch (again) {
      if (!isTrap(again)) throw again;
      throw new CoreError("trap", "the core trapped twice on one call", { cause: again });
    } finally {
      this.giveBack(session);
    }
  }

  #replaceInstance(): void {
    const { module, restore } = this.#options;
    this.#instance = new Instance(module, this.#memory);
    const sessions = this.#sessions;
    this.#sessions = [];
    if (restore) {
      restore(this.#config!.bytes);
      for (const seat of this.#taken) seat.restore();
    }
    for (const session of sessions) this.#close(session);
  }
}

/** The config of an image in shared memory. */
export function configAt(memory: Memory, image: number): Config {
  memory.reach(image + IMAGE_SIZE + U32);
  const end = image + memory.views.u32[(image + IMAGE_SIZE) >>> 2];
  memory.reach(end);
  return new Config(() => memory.views.u8.subarray(image, end), false);
}
