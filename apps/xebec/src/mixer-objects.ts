import { globSync } from "node:fs";
import { join } from "node:path";
import { readManifest } from "@xebec/core-yaml";
import { type MixerContext, readMixerContext, STANDARD_CONTEXT } from "@xebec/galley-validate";
import { idOf, readText, sameId } from "./config-files.ts";
import type { InputObject } from "./read-input.ts";

const GROUP = "config.istio.io";

export function isMixerObject({ id }: InputObject): boolean {
  return id.group === GROUP;
}

/** Says whether objects declare attributes: galley knows those only when they are written. */
export function declaresAttributes(objects: readonly InputObject[]): boolean {
  return objects.some((object) => isMixerObject(object) && object.id.kind === "attributemanifest");
}

/**
 * What objects of Mixer's are checked against: those of the configuration directory as it will be with them, in whatever order they come.
 * Only files that hold such objects are read.
 */
export function mixerContextWith(objects: readonly InputObject[], configDir: string): MixerContext {
  if (!objects.some(isMixerObject)) return STANDARD_CONTEXT;
  const paths = globSync("**/*.{yaml,yml,json}", { cwd: configDir }).filter((path) => !/(^|\/)\./.test(path));
  const texts = paths.map((path) => readText(join(configDir, path))).filter((text) => text.includes(GROUP));
  const there = texts.flatMap((text) => readManifest(text).objects);
  const kept = there.filter(({ value }) => !objects.some(({ id }) => sameId(idOf(value), id)));
  return readMixerContext([...kept, ...objects]);
}
