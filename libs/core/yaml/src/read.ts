import { isScalar } from "yaml";
import { type ManifestError, type ManifestOptions, manifestSteps, type RawObject } from "./manifest.ts";
import { checkSize, checkText, compose, lineAt, linesOf, syntaxOf, type YamlLimits } from "./syntax.ts";
import { contentOf, offsetOf } from "./value.ts";
import { YamlError } from "./yaml-error.ts";

export interface Manifest {
  readonly objects: readonly RawObject[];
  readonly errors: readonly ManifestError[];
}

/** All steps of `manifestSteps` at once, for who has nothing else to do. */
export function readManifest(text: string, options: ManifestOptions = {}): Manifest {
  const objects: RawObject[] = [];
  const errors: ManifestError[] = [];
  for (const step of manifestSteps(text, options))
    if (step && "object" in step) objects.push(step.object);
    else if (step) errors.push(step.error);
  return { objects, errors };
}

export interface ReadOptions extends YamlLimits {
  /** What a scalar without quotes means; YAML 1.1's words and numbers when absent. */
  readonly plain?: (text: string) => unknown;
}

/**
 * Reads a text that is one document, as sigs.k8s.io/yaml does: YAML 1.1 words, JSON's values.
 * @returns null for a text without content
 * @throws YamlError with the line, for what is not YAML, has a key twice, or goes beyond the limits
 */
export function readYaml(text: string, limits: ReadOptions = {}): unknown {
  let lineStarts: readonly number[] = linesOf(text);
  try {
    checkText(text, limits);
    const steps = syntaxOf(text.startsWith("\uFEFF") ? text.slice(1) : text, limits);
    let step = steps.next();
    while (!step.done) step = steps.next();
    lineStarts = step.value.lineStarts;
    checkSize(step.value.size, limits);
    const documents = compose(step.value.tokens).filter(({ contents }) => !isEmpty(contents));
    if (documents.length > 1)
      throw new YamlError(offsetOf(documents[1]?.contents), "holds several documents where one is expected");
    return documents[0] ? contentOf(documents[0].contents, limits.plain) : null;
  } catch (error) {
    if (error instanceof YamlError) error.line = lineAt(lineStarts, error.offset);
    throw error;
  }
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.type === "PLAIN" && contents.source === "");
}
