import type { EncodedResource } from "@xebec/pilot-xds-gen";

type PatchError = NonNullable<EncodedResource["patchErrors"]>[number];

/** Gathers the patches that could not be applied: one text for each patch and reason, however many objects it was for. */
export class PatchRemarks {
  /** By key of the object that asked for the patch, path and message. */
  readonly #found = new Map<string, { readonly error: PatchError; readonly targets: Set<string> }>();

  add(error: PatchError): void {
    const { configKey, path = "", point, target, message } = error;
    const id = JSON.stringify([configKey, path, message]);
    const known = this.#found.get(id) ?? { error, targets: new Set() };
    this.#found.set(id, known);
    known.targets.add(`${point} ${target}`);
  }

  /** @returns what to say of which object, as `path: why` */
  *texts(): Generator<{ readonly key: string; readonly text: string }> {
    for (const { error, targets } of this.#found.values()) {
      const [first = ""] = targets;
      const more = targets.size > 1 ? ` and ${targets.size - 1} more` : "";
      const text = `${error.path ?? "spec"}: cannot be applied to ${first.trim()}${more}: ${error.message}`;
      yield { key: error.configKey, text };
    }
  }
}
