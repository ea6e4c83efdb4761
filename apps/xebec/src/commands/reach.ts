import { sleep } from "@xebec/core-async";
import { print } from "../output.ts";

const RETRY_MS = 500;
const CALL_MS = 2_000;

/** `xebec reach URL…`: waits until every URL answers 200; `helm test` runs it in a pod. @returns 1 when one does not in time */
export async function reach(urls: readonly string[], { timeout }: { readonly timeout: number }): Promise<number> {
  const until = Date.now() + timeout * 1_000;
  const results = await Promise.all(
    urls.map(async (url) => {
      for (;;) {
        const answer = await answerOf(url);
        if (answer === "200") return true;
        if (Date.now() > until) {
          print(`✘ ${url}: ${answer}`);
          return false;
        }
        await sleep(RETRY_MS);
      }
    }),
  );
  for (const [i, url] of urls.entries()) if (results[i]) print(`✔ ${url}`);
  return results.every(Boolean) ? 0 : 1;
}

async function answerOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CALL_MS) });
    if (response.status === 200) return "200";
    return `${response.status} ${(await response.text()).slice(0, 300)}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? cause.message : message;
  }
}
