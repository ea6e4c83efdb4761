import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { OTHERS } from "./components.ts";
import type { ComparedMesh } from "./mesh.ts";
import type { SyntheticProxies } from "./proxies/synthetic-proxies.ts";
import type { Unit } from "./results.ts";
import { type Step, type UntilAnswer, type Words, withWords } from "./scenario.ts";

/** What a step measures with. */
export interface StepContext {
  readonly mesh: ComparedMesh;
  /** What `xebec` is started with. */
  readonly command: readonly string[];
  /** The folder of the build by which components are replaced. */
  build(): string;
  /** From now on the names of groups begin with this. */
  named(prefix: string): void;
  /** Those of this scenario. */
  proxies?: SyntheticProxies;
  readonly signal: AbortSignal;
  /** Notes a measured value. */
  sample(group: string, figure: string, unit: Unit, value: number): void;
  /** Why a step makes no sense with this shape; absent where all do. */
  whyNot?(step: Step): string | undefined;
  notApplicable(text: string): void;
  /** Notes what could not be measured. */
  problem(text: string): void;
  progress(text: string): void;
}

const POLL_MS = 4;
/** The port of Bookinfo's applications. */
const APPLICATION_PORT = 9_080;
const EFFECT_MS = 30_000;

/**
 * Asks until the answer is there.
 * @returns milliseconds
 * @throws XebecError deadline_exceeded with the last answer
 */
export async function waitForAnswer({ mesh, signal }: StepContext, until: UntilAnswer, words: Words): Promise<number> {
  const began = performance.now();
  let missing = "";
  while (performance.now() - began < EFFECT_MS) {
    signal.throwIfAborted();
    missing = until.plaintext ? await plaintextMissing(mesh, until.plaintext) : await answerMissing(mesh, until, words);
    if (missing === "") return performance.now() - began;
    await sleep(POLL_MS, signal);
  }
  throw new XebecError("deadline_exceeded", `${until.path ?? "plaintext"} does not answer as expected: ${missing}`);
}

/** @returns what is not as expected; empty when all is */
async function answerMissing(
  mesh: ComparedMesh,
  { path = "/", headers, status: wanted, body: text }: UntilAnswer,
  words: Words,
): Promise<string> {
  try {
    const { status, body } = await mesh.get(path, headers);
    const hasText = text === undefined || body.includes(withWords(text, words));
    return (wanted === undefined || status === wanted) && hasText ? "" : `${status} ${body.slice(0, 100)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Asks every pod of the applications past the gateway. */
async function plaintextMissing(mesh: ComparedMesh, wanted: "accepted" | "refused"): Promise<string> {
  const addresses = await mesh.applicationAddresses();
  const answers = await Promise.all(
    addresses.map((address) =>
      mesh.getFrom(address, APPLICATION_PORT, "/health").then(
        ({ status }) => (status === 200 ? "accepted" : `status ${status}`),
        () => "refused",
      ),
    ),
  );
  const other = addresses.filter((_, i) => answers[i] !== wanted);
  return other.length === 0 ? "" : `not ${wanted} by ${other.join(", ")}`;
}

/** Notes how much processor time each component has used. @param per what the time is divided by */
export function sampleCpu(
  { mesh, sample }: StepContext,
  before: ReturnType<ComparedMesh["costs"]>,
  group: string,
  per: number,
): void {
  let controlPlane = 0;
  for (const [component, { cpuNs }] of mesh.costs()) {
    const ms = (cpuNs - (before.get(component)?.cpuNs ?? 0)) / 1e6 / per;
    if (!OTHERS.includes(component)) controlPlane += ms;
    sample(group, component, "ms", ms);
  }
  sample(group, "control plane", "ms", controlPlane);
}
