// A short stress run: one memory, read by threads that are killed, while its owner publishes.
import { expect, test } from "vitest";
import { StressRun } from "./stress/run.ts";

const PUBLICATIONS = 400;
const KILLED_MIN = 10;

test("readers that are killed and begun again see one publication each, none older", async () => {
  let isEnough = false;
  // A machine may be too slow to begin enough readers meanwhile: then it takes more publications.
  const share = (publications: number) =>
    Math.min(publications / PUBLICATIONS, isEnough ? 1 : 0.99);
  const onProgress = ({ summary: { killed, evaluations } }: StressRun) => {
    isEnough = killed >= KILLED_MIN && Math.min(...evaluations) > 0;
  };
  const run = new StressRun({ seed: 1, workers: 4, share, onProgress });
  const summary = await run.run();
  expect(summary.publications).toBeGreaterThanOrEqual(PUBLICATIONS);
  expect(summary.killed).toBeGreaterThanOrEqual(KILLED_MIN);
  expect(Math.min(...summary.evaluations)).toBeGreaterThan(0);
  expect(summary.seats.lost).toBe(0);
});
