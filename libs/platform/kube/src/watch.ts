import type { IncomingMessage } from "node:http";
import { Turns } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { KubeClient } from "./client.ts";
import { KubeError, type KubeStatus } from "./kube-error.ts";
import { LineSplitter } from "./line-splitter.ts";
import { cutOff, type Selection, withoutManagers } from "./list.ts";
import { type KubeObject, pathOf, type ResourceType } from "./resource-type.ts";

/** What a watch reports. A bookmark says how far the server is, and nothing else. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubeObject;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** When the server ends it, in seconds. */
  readonly timeoutSeconds: number;
  /** The stream is given up when it says nothing for so long, in milliseconds. A server sends a bookmark every minute. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

const TYPES: ReadonlySet<string> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);

/**
 * Follows objects until the server ends the stream.
 * @param events gets what came at once
 * @throws KubeError for what the server answers, also within the stream (410: list again); XebecError unavailable for a lost
 *   connection, deadline_exceeded for a silent one, data_loss for what is no event
 */
export async function watchObjects(
  client: KubeClient,
  type: ResourceType,
  options: WatchOptions,
  events: (events: readonly WatchEvent[]) => void,
): Promise<void> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, silenceMs, signal } = options;
  const path = pathOf(type, { namespace });
  const what = `WATCH ${path}`;
  const answer = await client.stream({
    ...{ method: "GET", path, signal },
    query: {
      ...{ watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds },
      ...{ labelSelector, fieldSelector },
    },
  });
  const watchdog = new Watchdog(answer, silenceMs);
  const lines = new LineSplitter(what);
  const turns = new Turns(256, 1);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      watchdog.heard();
      const batch: WatchEvent[] = [];
      try {
        for (const line of lines.add(chunk)) batch.push(readEvent(line, what));
      } finally {
        // What came before an error counts.
        if (batch.length > 0) events(batch);
      }
      await turns.next();
    }
  } catch (error) {
    if (watchdog.isSilent)
      throw new XebecError("deadline_exceeded", `${what}: nothing came for ${silenceMs / 1_000} s`, { cause: error });
    throw error instanceof XebecError ? error : cutOff(what, error);
  } finally {
    watchdog.close();
    answer.destroy();
  }
}

/** Ends a stream that has died without a word: a connection through a network that forgot it looks like one without events. */
class Watchdog {
  isSilent = false;
  readonly #timer: NodeJS.Timeout;

  constructor(answer: IncomingMessage, silenceMs: number) {
    this.#timer = setTimeout(() => {
      this.isSilent = true;
      answer.destroy(new Error("silent"));
    }, silenceMs);
    this.#timer.unref();
  }

  heard(): void {
    this.#timer.refresh();
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

function readEvent(line: Buffer, what: string): WatchEvent {
  let event: { readonly type?: unknown; readonly object?: unknown };
  try {
    event = JSON.parse(line.toString("utf8")) as typeof event;
  } catch (error) {
    throw new XebecError("data_loss", `${what}: an event is not JSON`, { cause: error });
  }
  if (event?.type === "ERROR") throw new KubeError(what, 0, (event.object ?? {}) as KubeStatus);
  if (typeof event?.type !== "string" || !TYPES.has(event.type))
    throw new XebecError("data_loss", `${what}: an event has the type "${String(event?.type)}"`);
  return { type: event.type as WatchEvent["type"], object: withoutManagers(event.object, what) };
}
