import { type BuildRecord, isShown, type StepState, secondsOf } from "./build-progress.ts";

const BOX = { width: 300, height: 46, gapX: 60, gapY: 16, margin: 20 };

/** Text fits a box of its width at this size. */
const MAX_LABEL = 42;

/**
 * A picture of a build's graph: inputs to the left of what stands on them, each step with its time, those from the cache
 * grey, and the critical path, which no number of processors makes shorter, drawn thick.
 */
export function graphSvg(record: BuildRecord): string {
  const steps = record.steps().filter((step) => isShown(step) && step.vertex.started !== null && isPartOfGraph(step));
  const byDigest = new Map(steps.map((step) => [step.vertex.digest, step]));
  const columns = columnsOf(steps, byDigest);
  const critical = criticalPath(steps, byDigest);
  const places = new Map<string, { x: number; y: number }>();
  const used = new Map<number, number>();
  for (const step of steps) {
    const column = columns.get(step.vertex.digest) ?? 0;
    const row = used.get(column) ?? 0;
    used.set(column, row + 1);
    places.set(step.vertex.digest, {
      x: BOX.margin + column * (BOX.width + BOX.gapX),
      y: BOX.margin + row * (BOX.height + BOX.gapY),
    });
  }
  const width = BOX.margin * 2 + (Math.max(0, ...columns.values()) + 1) * (BOX.width + BOX.gapX) - BOX.gapX;
  const height = BOX.margin * 2 + Math.max(1, ...used.values()) * (BOX.height + BOX.gapY) + 20;
  const edges = steps.flatMap(({ vertex }) =>
    vertex.inputs.flatMap((input) => {
      const [from, to] = [places.get(input), places.get(vertex.digest)];
      return from && to ? [edge(from, to, critical.has(input) && critical.has(vertex.digest))] : [];
    }),
  );
  const boxes = steps.flatMap((step) => {
    const place = places.get(step.vertex.digest);
    return place ? [box(step, place, critical.has(step.vertex.digest))] : [];
  });
  const seconds = [...critical].reduce((sum, digest) => sum + ownSeconds(byDigest.get(digest)), 0);
  const cached = steps.filter(({ vertex }) => vertex.cached).length;
  const legend = `${steps.length} steps, ${cached} cached, critical path ${seconds.toFixed(1)}s`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...edges,
    ...boxes,
    `<text x="${BOX.margin}" y="${height - 10}" fill="#444">${escapeText(legend)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function isPartOfGraph({ vertex }: StepState): boolean {
  return !/^(?:exporting to|\[internal\] load (?:metadata|build definition))/.test(vertex.name);
}

/** How many steps stand before one, at most. */
function columnsOf(steps: readonly StepState[], byDigest: ReadonlyMap<string, StepState>): Map<string, number> {
  const columns = new Map<string, number>();
  // Steps are told with their inputs before them.
  for (const { vertex } of steps) {
    const before = vertex.inputs.filter((input) => byDigest.has(input)).map((input) => columns.get(input) ?? 0);
    columns.set(vertex.digest, before.length ? Math.max(...before) + 1 : 0);
  }
  return columns;
}

function criticalPath(steps: readonly StepState[], byDigest: ReadonlyMap<string, StepState>): Set<string> {
  const finish = new Map<string, { seconds: number; before: string | null }>();
  for (const { vertex } of steps) {
    let best: { seconds: number; before: string | null } = { seconds: 0, before: null };
    for (const input of vertex.inputs) {
      const seconds = finish.get(input)?.seconds ?? 0;
      if (seconds >= best.seconds && byDigest.has(input)) best = { seconds, before: input };
    }
    finish.set(vertex.digest, { ...best, seconds: best.seconds + ownSeconds(byDigest.get(vertex.digest)) });
  }
  const path = new Set<string>();
  const last = [...finish].reduce<string | null>(
    (top, [digest, { seconds }]) => (top === null || seconds >= (finish.get(top)?.seconds ?? 0) ? digest : top),
    null,
  );
  for (let digest = last; digest !== null; digest = finish.get(digest)?.before ?? null) path.add(digest);
  return path;
}

function ownSeconds(step: StepState | undefined): number {
  return step && !step.vertex.cached ? secondsOf(step.vertex) : 0;
}

function box({ vertex }: StepState, { x, y }: { x: number; y: number }, isCritical: boolean): string {
  const fill = vertex.error ? "#fdd" : vertex.cached ? "#eee" : "#dfd";
  const stroke = isCritical ? 'stroke="#c40" stroke-width="2.5"' : 'stroke="#888"';
  const label = vertex.name.length > MAX_LABEL ? `${vertex.name.slice(0, MAX_LABEL - 1)}…` : vertex.name;
  const time = vertex.error ? "failed" : vertex.cached ? "cached" : `${secondsOf(vertex).toFixed(2)}s`;
  return [
    `<g><title>${escapeText(vertex.name)}</title>`,
    `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="${fill}" ${stroke}/>`,
    `<text x="${x + 8}" y="${y + 19}">${escapeText(label)}</text>`,
    `<text x="${x + 8}" y="${y + 37}" fill="#666">${time}</text></g>`,
  ].join("");
}

function edge(from: { x: number; y: number }, to: { x: number; y: number }, isCritical: boolean): string {
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const bend = (x2 - x1) / 2;
  const style = isCritical ? 'stroke="#c40" stroke-width="2.5"' : 'stroke="#aaa"';
  return `<path d="M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}" fill="none" ${style}/>`;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
