import { once } from "node:events";
import { createServer } from "node:http";
import { XebecError } from "@xebec/core-errors";
import { type StepContext, sampleCpu, waitForAnswer } from "../context.ts";
import { percentile } from "../percentile.ts";
import { sharedClock } from "../proxies/protocol.ts";
import { type ChangeStep, manifestOf, type UntilAnswer, type Words, withWords } from "../scenario.ts";

const SERVER_PORT = 8_000;
const EFFECT_MS = 60_000;

/** Saves objects again and again, and notes the time until the effect is there. */
export async function change(context: StepContext, step: ChangeStep): Promise<void> {
  const { mesh, sample, progress } = context;
  const { name, count } = step;
  const last: number[] = [];
  const each: number[] = [];
  try {
    // The first change makes connections, and compiles code; what a change takes back must be there.
    await changeOnce(context, step, 0);
    const before = mesh.costs();
    for (let n = 1; n <= count; n++) {
      progress(`${name} ${n} of ${count}`);
      const times = await changeOnce(context, step, n);
      last.push(Math.max(...times));
      each.push(...times);
    }
    sampleCpu(context, before, `${name}${among(context, step)}: processor time of a change`, count);
  } catch (error) {
    throw new XebecError(XebecError.from(error).code, `${name}: ${XebecError.from(error).message}`, { cause: error });
  } finally {
    mesh.remove("change");
  }
  const group = `from saving to effect${among(context, step)}`;
  sample(`${group}, median`, name, "ms", percentile(last, 50));
  sample(`${group}, 99th percentile`, name, "ms", percentile(last, 99));
  if (step.proxies) sample(`${group}, median of all proxies`, name, "ms", percentile(each, 50));
}

function among({ proxies }: StepContext, step: ChangeStep): string {
  return step.proxies ? ` at the last of ${proxies?.count ?? 0} synthetic proxies` : "";
}

/** @returns milliseconds until the effect was there: of each synthetic proxy, or of the real ones together */
async function changeOnce(context: StepContext, step: ChangeStep, n: number): Promise<readonly number[]> {
  const { mesh } = context;
  const server = mesh.serverAddress(n);
  const words = { n, server };
  const { objects, until } = n % 2 === 1 && step.back ? step.back : step;
  await using _server = step.servers ? await answering(server, `answer ${n}.`) : undefined;
  const save = (): void => mesh.save("change", manifestOf(objects, words));
  if (step.proxies) return reached(context, step.proxies, words, save);
  save();
  return [await waitForAnswer(context, until as UntilAnswer, words)];
}

/** How long it takes to each of the synthetic proxies. */
async function reached(
  { proxies }: StepContext,
  { type, text }: NonNullable<ChangeStep["proxies"]>,
  words: Words,
  save: () => void,
): Promise<readonly number[]> {
  if (!proxies)
    throw new XebecError("invalid_argument", "there are no synthetic proxies: a step before must connect some");
  await proxies.watch({ type, ...(text === undefined ? {} : { text: withWords(text, words) }) });
  const began = sharedClock();
  save();
  return (await proxies.arrivals(EFFECT_MS)).map((time) => time - began);
}

async function answering(address: string, answer: string): Promise<AsyncDisposable> {
  const server = createServer((_, response) => response.end(answer));
  server.listen(SERVER_PORT, address);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
