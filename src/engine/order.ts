// The order of evaluation: parents first, as the reference engine's topologicalSort has it.

/** Parents of each flag, by index; a parent that is not loaded has no entry. */
export interface FlagGraph {
  readonly count: number;
  parentsOf(flag: number): ArrayLike<number>;
}

/**
 * Depth-first order from `start` over flags not yet in `visited`; iterative, so that a chain of
 * thousands of flags needs no stack. The graph has no cycles.
 */
export function appendOrder(
  graph: FlagGraph,
  start: number,
  visited: Uint8Array,
  order: number[],
): void {
  if (visited[start]) return;
  visited[start] = 1;
  const path = [start];
  const next = [0];
  while (path.length > 0) {
    const top = path.length - 1;
    const parents = graph.parentsOf(path[top]);
    if (next[top] === parents.length) {
      order.push(path[top]);
      path.pop();
      next.pop();
      continue;
    }
    const parent = parents[next[top]++];
    if (visited[parent]) continue;
    visited[parent] = 1;
    path.push(parent);
    next.push(0);
  }
}

/**
 * Longer plans are made again when they are asked for: kept by each flag of a chain, they would
 * take room by the square of its length.
 */
export const PLAN_LENGTH_KEPT = 64;

/** The order for all flags, or for `starts` and their ancestors. */
export function orderOf(graph: FlagGraph, starts?: Iterable<number>): Uint32Array {
  const visited = new Uint8Array(graph.count);
  const order: number[] = [];
  if (starts) {
    for (const start of starts) appendOrder(graph, start, visited, order);
  } else {
    for (let flag = 0; flag < graph.count; flag++) appendOrder(graph, flag, visited, order);
  }
  return Uint32Array.from(order);
}

/**
 * Every cycle of the graph as the list of its members (strongly connected components of more
 * than one flag, or a flag that is its own parent). Tarjan's algorithm, iterative.
 */
export function findCycles(graph: FlagGraph): number[][] {
  const index = new Int32Array(graph.count).fill(-1);
  const low = new Int32Array(graph.count);
  const onStack = new Uint8Array(graph.count);
  const stack: number[] = [];
  const cycles: number[][] = [];
  let counter = 0;

  const enter = (flag: number, path: number[], next: number[]): void => {
    index[flag] = low[flag] = counter++;
    stack.push(flag);
    onStack[flag] = 1;
    path.push(flag);
    next.push(0);
  };
  const leave = (flag: number): void => {
    if (low[flag] !== index[flag]) return;
    const members = stack.splice(stack.lastIndexOf(flag));
    for (const member of members) onStack[member] = 0;
    const isOwnParent = Array.from(graph.parentsOf(flag)).includes(flag);
    if (members.length > 1 || isOwnParent) cycles.push(members);
  };

  for (let root = 0; root < graph.count; root++) {
    if (index[root] !== -1) continue;
    const path: number[] = [];
    const next: number[] = [];
    enter(root, path, next);
    while (path.length > 0) {
      const top = path.length - 1;
      const flag = path[top];
      const parents = graph.parentsOf(flag);
      if (next[top] < parents.length) {
        const parent = parents[next[top]++];
        if (index[parent] === -1) enter(parent, path, next);
        else if (onStack[parent]) low[flag] = Math.min(low[flag], index[parent]);
        continue;
      }
      leave(flag);
      path.pop();
      next.pop();
      if (path.length > 0) {
        const child = path[path.length - 1];
        low[child] = Math.min(low[child], low[flag]);
      }
    }
  }
  return cycles;
}
