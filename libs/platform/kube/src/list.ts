import { Turns } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { KubeClient } from "./client.ts";
import { ListSplitter } from "./list-splitter.ts";
import { type KubeObject, pathOf, type ResourceType } from "./resource-type.ts";

/** Which objects of a type are meant. */
export interface Selection {
  /** Absent: those of all namespaces. */
  readonly namespace?: string | undefined;
  /** `app=reviews,version!=v1`. */
  readonly labelSelector?: string | undefined;
  /** `metadata.name=istio`. */
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection {
  /** Objects of one page (500). */
  readonly pageSize?: number;
  readonly signal?: AbortSignal | undefined;
  /** Longest time for the head of a page, in milliseconds (30 s). */
  readonly timeoutMs?: number;
}

const PAGE_SIZE = 500;

/**
 * Lists objects page by page; one object at a time is in memory.
 * @param take gets each object, without the managed fields
 * @returns the resource version of the list, to watch from
 * @throws KubeError as the server answers; `Expired` when the list took longer than the server remembers it
 */
export async function listObjects(
  client: KubeClient,
  type: ResourceType,
  { namespace, labelSelector, fieldSelector, pageSize = PAGE_SIZE, signal, timeoutMs }: ListOptions,
  take: (object: KubeObject) => void,
): Promise<string> {
  const path = pathOf(type, { namespace });
  const what = `LIST ${path}`;
  const turns = new Turns(256, 1);
  let next: string | undefined;
  do {
    const splitter = new ListSplitter(what, (bytes) => take(readObject(bytes, what)));
    const answer = await client.stream({
      ...{ method: "GET", path, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      query: { limit: pageSize, continue: next, labelSelector, fieldSelector },
    });
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        splitter.add(chunk);
        await turns.next();
      }
    } catch (error) {
      answer.destroy();
      throw error instanceof XebecError ? error : cutOff(what, error);
    }
    const { metadata } = splitter.head() as { readonly metadata?: ListMetadata };
    next = metadata?.continue || undefined;
    // The pages of one list have the same version.
    if (!next) return metadata?.resourceVersion ?? "";
  } while (next);
  return "";
}

interface ListMetadata {
  readonly resourceVersion?: string;
  readonly continue?: string;
}

function readObject(bytes: Buffer, what: string): KubeObject {
  let object: unknown;
  try {
    object = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new XebecError("data_loss", `${what}: an object is not JSON`, { cause: error });
  }
  return withoutManagers(object, what);
}

/** Takes out of an object who manages which field: that is often half of it. @throws XebecError data_loss for what is no object */
export function withoutManagers(object: unknown, what: string): KubeObject {
  const { metadata } = (object ?? {}) as { metadata?: { managedFields?: unknown } | null };
  if (metadata === undefined || metadata === null || typeof metadata !== "object")
    throw new XebecError("data_loss", `${what}: an object has no metadata`);
  delete metadata.managedFields;
  return object as KubeObject;
}

/** What a stream that ended in the middle means. */
export function cutOff(what: string, cause: unknown): XebecError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new XebecError("unavailable", `${what}: the answer was cut off: ${code ?? message}`, { cause });
}
