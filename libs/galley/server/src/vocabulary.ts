import { createVocabulary, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { type AttributeManifestSpec, keyOf, type Resource } from "@xebec/model-resources";

/** The attributes that expressions may use: the standard ones and those of the manifests that are there now. */
export class CurrentVocabulary {
  #declared = "[]";
  #vocabulary = createVocabulary();

  get current(): Vocabulary {
    return this.#vocabulary;
  }

  /** Takes the manifests among all objects over. @returns true when attributes changed */
  update(resources: Iterable<Resource>): boolean {
    const declared: [string, ValueType][] = [];
    for (const resource of resources) {
      if (keyOf(resource).split("/")[1] !== "attributemanifest") continue;
      for (const [name, { valueType }] of Object.entries((resource.spec as AttributeManifestSpec).attributes ?? {}))
        declared.push([name, valueType as ValueType]);
    }
    const text = JSON.stringify(declared);
    if (text === this.#declared) return false;
    this.#declared = text;
    this.#vocabulary = createVocabulary(declared);
    return true;
  }
}

/** Says whether a file may hold objects whose validity depends on the vocabulary. */
export function mayHoldRules(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes("config.istio.io");
}
