// The figures drawn: SVG by hand, legible on light and dark pages.

export interface Bar {
  label: string;
  /** By series; undefined leaves a gap. */
  values: (number | undefined)[];
}

export interface Panel {
  title: string;
  axis: string;
  steps: readonly number[];
  /** By series. */
  lines: readonly (readonly number[])[];
}

const STYLE = `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.grid { stroke: #d1d9e0 }
.s0 { fill: #8250df; stroke: #8250df }
.s1 { fill: #0969da; stroke: #0969da }
.s2 { fill: #bc4c00; stroke: #bc4c00 }
.line { fill: none; stroke-width: 2 }
.bar { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.grid { stroke: #3d444d }
.s0 { fill: #ab7df8; stroke: #ab7df8 }
.s1 { fill: #4493f8; stroke: #4493f8 }
.s2 { fill: #db6d28; stroke: #db6d28 }
}
</style>`;

const MARGIN = 20;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function label(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped(content)}</text>`;
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line class="grid" x1="${a}" y1="${b}" x2="${c}" y2="${d}"/>`;
}

function legend(series: readonly string[], y: number): string[] {
  return series.flatMap((name, at) => {
    const x = MARGIN + at * 180;
    return [
      `<rect class="s${at} bar" x="${x}" y="${y - 10}" width="12" height="12"/>`,
      label(x + 18, y, name),
    ];
  });
}

function picture(width: number, height: number, title: string, parts: string[]): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`;
  return `${[head, `<title>${escaped(title)}</title>`, STYLE, ...parts, "</svg>"].join("\n")}\n`;
}

/** Powers of ten around all values, as exponents. */
function decades(values: readonly number[]): [number, number] {
  const logs = values.map(Math.log10);
  return [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
}

/** Bars to the right of 1 on a logarithmic scale; left of it for values below 1. */
export function barChart(title: string, series: readonly string[], bars: readonly Bar[]): string {
  const [left, width, thickness] = [330, 900, 12];
  const values = bars.flatMap((bar) => bar.values.filter((value) => value !== undefined));
  const [from, to] = decades([1, ...values]);
  const step = (width - left - 70) / Math.max(1, to - from);
  const x = (value: number) => left + (Math.log10(value) - from) * step;
  const height = 90 + bars.length * (series.length * thickness + 10);
  const parts = [label(MARGIN, 24, title, 'class="title"'), ...legend(series, 48)];
  for (let decade = from; decade <= to; decade++) {
    const at = left + (decade - from) * step;
    parts.push(grid(at, 60, at, height - 24));
    parts.push(label(at, height - 8, `${10 ** decade}x`, 'text-anchor="middle"'));
  }
  bars.forEach((bar, row) => {
    const top = 66 + row * (series.length * thickness + 10);
    parts.push(label(MARGIN, top + (series.length * thickness) / 2 + 4, bar.label));
    bar.values.forEach((value, at) => {
      if (value === undefined) return;
      const [start, end] = [x(1), x(value)].sort((a, b) => a - b);
      const size = `width="${(end - start).toFixed(1)}" height="${thickness - 2}"`;
      const y = top + at * thickness;
      parts.push(`<rect class="s${at} bar" x="${start.toFixed(1)}" y="${y}" ${size}/>`);
      parts.push(label(end + 4, y + 9, `${Number(value.toPrecision(3))}x`));
    });
  });
  return picture(width, height, title, parts);
}

function inTime(exponent: number): string {
  const units = ["ns", "µs", "ms", "s"];
  const unit = Math.floor(exponent / 3);
  return `${10 ** (exponent - 3 * unit)} ${units[unit]}`;
}

function panelParts({ title, axis, steps, lines }: Panel, left: number, size: number): string[] {
  const [top, bottom, right] = [80, 80 + size, left + size];
  const [from, to] = decades(lines.flat());
  const y = (ns: number) => bottom - ((Math.log10(ns) - from) / (to - from)) * size;
  const x = (at: number) => left + (at / (steps.length - 1)) * size;
  const parts = [label(left, top - 12, title, 'class="title"')];
  for (let decade = from; decade <= to; decade++) {
    const at = y(10 ** decade);
    parts.push(grid(left, at, right, at));
    parts.push(label(left - 6, at + 4, inTime(decade), 'text-anchor="end"'));
  }
  steps.forEach((step, at) => {
    parts.push(label(x(at), bottom + 18, String(step), 'text-anchor="middle"'));
  });
  parts.push(label((left + right) / 2, bottom + 36, axis, 'text-anchor="middle"'));
  lines.forEach((line, series) => {
    const points = line.map((ns, at) => `${x(at).toFixed(1)},${y(ns).toFixed(1)}`);
    parts.push(`<polyline class="s${series} line" points="${points.join(" ")}"/>`);
    for (const point of points) {
      const [cx, cy] = point.split(",");
      parts.push(`<circle class="s${series}" cx="${cx}" cy="${cy}" r="3"/>`);
    }
  });
  return parts;
}

/** Times in nanoseconds on a logarithmic scale, over steps drawn at equal distances. */
export function lineChart(
  title: string,
  series: readonly string[],
  panels: readonly Panel[],
): string {
  const size = 320;
  const parts = [label(MARGIN, 24, title, 'class="title"'), ...legend(series, 48)];
  panels.forEach((panel, at) => {
    parts.push(...panelParts(panel, 70 + at * (size + 90), size));
  });
  return picture(70 + panels.length * (size + 90), size + 130, title, parts);
}
