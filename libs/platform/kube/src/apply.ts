import type { KubeClient } from "./client.ts";
import { isConflict, kubeErrorOf } from "./kube-error.ts";
import { apiVersionOf, type KubeObject, pathOf, type ResourcePath, type ResourceType } from "./resource-type.ts";

/** What a field manager wants an object to say; nothing else of it is touched. */
export interface Applied {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly unknown[];
    /** Of the object that is meant: one of the same name that was made anew is refused (409). */
    readonly uid?: string;
  };
  readonly [field: string]: unknown;
}

export interface ApplyOptions {
  /** Who manages the fields: `xebec-galley`. The server keeps it with each field. */
  readonly fieldManager: string;
  /** True: takes fields from other managers; otherwise those are a conflict, and nothing is changed. */
  readonly force?: boolean;
  /** `status`. */
  readonly subresource?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Applies on the server: fields that this manager wanted before and does not name any more go, those of others stay.
 * @throws KubeError 409 when others manage a field (`fieldConflicts` says who), 404 for a subresource of an object that is gone
 */
export function serverSideApply<T = KubeObject>(
  client: KubeClient,
  type: ResourceType,
  wanted: Applied,
  { fieldManager, force = false, subresource, signal }: ApplyOptions,
): Promise<T> {
  const { namespace, name } = wanted.metadata;
  const path: ResourcePath = { namespace, name, subresource };
  return client.call<T>({
    ...{ method: "PATCH", path: pathOf(type, path), signal },
    query: { fieldManager, force },
    // JSON is YAML, too.
    contentType: "application/apply-patch+yaml",
    body: { ...wanted, apiVersion: apiVersionOf(type), kind: type.kind },
  });
}

/** A field that somebody else manages. */
export interface FieldConflict {
  readonly manager: string;
  /** `.spec.replicas`. */
  readonly field: string;
}

/** Who manages the fields because of which an application was refused; empty for other errors. */
export function fieldConflicts(error: unknown): readonly FieldConflict[] {
  if (!isConflict(error)) return [];
  return (kubeErrorOf(error)?.causes ?? [])
    .filter(({ reason }) => reason === "FieldManagerConflict")
    .map(({ field, message }) => ({ manager: /^conflict with "([^"]*)"/.exec(message)?.[1] ?? message, field }));
}
