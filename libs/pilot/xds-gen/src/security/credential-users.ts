import type { GatewayServer } from "@xebec/model-resources";
import type { Scope } from "../scope/scope.ts";
import { credentialResource, rootsResource } from "./credential-name.ts";

/** The SDS resources that the TLS of a Gateway's server takes from pilot. */
export function serverCredentials(tls: NonNullable<GatewayServer["tls"]>): {
  readonly keyPairs: readonly string[];
  readonly roots: string | undefined;
} {
  const { mode, credentialName, credentialNames = [], caCertCredentialName } = tls;
  const terminates = mode === "SIMPLE" || mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL";
  const names = credentialNames.length > 0 ? credentialNames : credentialName ? [credentialName] : [];
  if (!terminates) return { keyPairs: [], roots: undefined };
  const authorities = mode === "SIMPLE" ? undefined : caCertCredentialName || names[0];
  return {
    keyPairs: names.map(credentialResource),
    roots: authorities === undefined ? undefined : rootsResource(authorities),
  };
}

/** The keys of the Gateways that name a secret. @param resource the name of the SDS resource */
export function credentialUsers(scope: Scope, resource: string): readonly string[] {
  const users = scope.gateways().filter(({ spec }) =>
    spec.servers.some(({ tls }) => {
      if (!tls) return false;
      const { keyPairs, roots } = serverCredentials(tls);
      return keyPairs.includes(resource) || roots === resource;
    }),
  );
  return users.map(({ key }) => key);
}
