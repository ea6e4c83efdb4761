import { XebecError } from "@xebec/core-errors";

/** How to sign in to a registry. */
export type RegistryCredentials =
  | { readonly user: string; readonly password: string }
  /** A token that the registry takes as it is. */
  | { readonly token: string };

/** An entry of `auths`. */
interface Entry {
  readonly username?: unknown;
  readonly password?: unknown;
  readonly auth?: unknown;
  readonly registrytoken?: unknown;
}

/**
 * Finds the credentials of a registry in a Docker configuration (`config.json`, `.dockerconfigjson`), or in what is inside of its `auths`
 * (`.dockercfg`).
 * @param registry `HOST[:PORT]`; `docker.io` is also known as `https://index.docker.io/v1/`
 * @returns undefined where there are none
 * @throws XebecError invalid_argument; the text has no credential
 */
export function credentialsIn(config: string, registry: string): RegistryCredentials | undefined {
  const all = parsed(config);
  const auths = (isFields(all.auths) ? all.auths : all) as Readonly<Record<string, unknown>>;
  const found = Object.entries(auths).find(([key]) => hostOf(key) === hostOf(registry))?.[1];
  if (!isFields(found)) return undefined;
  const { username, password, auth, registrytoken } = found as Entry;
  if (typeof registrytoken === "string" && registrytoken) return { token: registrytoken };
  if (typeof auth === "string" && auth) {
    const text = Buffer.from(auth, "base64").toString();
    const colon = text.indexOf(":");
    if (colon > 0) return { user: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
  }
  if (typeof username === "string" && username) return { user: username, password: String(password ?? "") };
  return undefined;
}

function parsed(config: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(config);
    if (isFields(value)) return value;
  } catch {
    // Its message would have a part of the text.
  }
  throw new XebecError("invalid_argument", "the credentials of registries are not a Docker configuration in JSON");
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `https://index.docker.io/v1/` is `docker.io`. */
function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}
