// Where Halyard is slower than what it is compared with, and where WebAssembly gains nothing.
import type { Crossover } from "./crossover.ts";
import { factor } from "./figure.ts";
import type { Findings } from "./findings.ts";
import { type Measured, ratioOf } from "./measure.ts";
import type { PeerRow } from "./peers/run.ts";
import type { MeasuredRow } from "./workloads.ts";

function sentence(where: string, who: string, times: number, whose: string): string {
  return `${where}: ${who} takes ${factor(times)} the time of ${whose}.`;
}

function weaknessesOfRow({ row, measured }: MeasuredRow): string[] {
  const [baseline] = measured;
  const twinOf = ({ name }: Measured) =>
    measured.find((other) => other.name === name.replace("Halyard", "core as JS"));
  return measured
    .filter(({ name }) => name.startsWith("Halyard "))
    .flatMap((entry) => {
      const rivals: [Measured | undefined, string][] = [
        [baseline, baseline.name],
        [twinOf(entry), "the same core as JavaScript"],
      ];
      return rivals.flatMap(([rival, whose]) => {
        const ratio = rival ? ratioOf(rival, entry).median : Number.POSITIVE_INFINITY;
        return ratio < 1 ? [sentence(row.id, entry.name, 1 / ratio, whose)] : [];
      });
    });
}

/** Peers that are faster than Halyard's first way to ask. */
function weaknessesAmongPeers({ row, measured }: PeerRow): string[] {
  const halyard = measured.findIndex(({ name }) => name.startsWith("Halyard "));
  return measured.flatMap((peer) => {
    const ratio = ratioOf(peer, measured[halyard]).median;
    const isOwn = row.contenders.some(({ name }) => name === peer.name);
    if (isOwn || ratio >= 1) return [];
    return [sentence(row.id, measured[halyard].name, 1 / ratio, peer.name)];
  });
}

function weaknessesOfCrossover({ axis, steps, times }: Crossover): string[] {
  return steps.flatMap((step, at) => {
    const rivals: [number, string][] = [
      [times.oracle[at], "the oracle"],
      [times["core as JS"][at], "the same core as JavaScript"],
    ];
    return rivals.flatMap(([rival, whose]) => {
      const ratio = times.Halyard[at] / rival;
      return ratio > 1 ? [sentence(`Crossover, ${axis}: ${step}`, "Halyard", ratio, whose)] : [];
    });
  });
}

export function weaknesses({ rows, crossovers, peers }: Findings): string[] {
  return [
    ...rows.flatMap(weaknessesOfRow),
    ...(peers?.rows.flatMap(weaknessesAmongPeers) ?? []),
    ...crossovers.flatMap(weaknessesOfCrossover),
  ];
}
