import { type Fields, isFields } from "./fields.ts";

/**
 * Makes strings of the values that a pod must have as strings. `cpu: 1` or `- 1337` in a template are numbers in YAML; Istio reads
 * them as the strings that the fields are.
 */
export function withStrings(pod: Fields): Fields {
  const { metadata, spec } = pod;
  return {
    ...pod,
    ...(isFields(metadata) ? { metadata: changed(metadata, { labels: strings, annotations: strings }) } : {}),
    ...(isFields(spec)
      ? { spec: changed(spec, { containers: containers, initContainers: containers, nodeSelector: strings }) }
      : {}),
  };
}

type Change = (value: unknown) => unknown;

function changed(map: Fields, changes: Readonly<Record<string, Change>>): Fields {
  let result = map;
  for (const key in changes) {
    const before = map[key];
    if (before === undefined || before === null) continue;
    const after = (changes[key] as Change)(before);
    if (after !== before) result = result === map ? { ...map, [key]: after } : Object.assign(result, { [key]: after });
  }
  return result;
}

const string: Change = (value) => (typeof value === "number" || typeof value === "boolean" ? String(value) : value);
const isText = (value: unknown): boolean => typeof value === "string" || value === null;
const strings: Change = (value) => {
  if (!isFields(value) || Object.values(value).every(isText)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, string(each)]));
};
const list: Change = (value) => (!Array.isArray(value) || value.every(isText) ? value : value.map(string));
const resources: Change = (value) => (isFields(value) ? changed(value, { requests: strings, limits: strings }) : value);
const env: Change = (value) =>
  Array.isArray(value)
    ? value.map((each) => (isFields(each) ? changed(each, { name: string, value: string }) : each))
    : value;
const container: Change = (value) =>
  isFields(value) ? changed(value, { args: list, command: list, image: string, env, resources }) : value;
const containers: Change = (value) => (Array.isArray(value) ? value.map(container) : value);
