import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { pathError } from "./path-template.ts";
import type { AuthorizationOperation, AuthorizationSource } from "./schema.ts";

/** Istio's limits. */
const MAX_ACCOUNTS = 16;
const MAX_ACCOUNT_LENGTH = 320;

const isEmpty = (lists: object): boolean => Object.values(lists).every((each: readonly string[]) => each.length === 0);

/** Rules of a `source` (docs/reference/pilot.md §3.9). */
export function checkSource(source: AuthorizationSource, path: Path, check: Checker): void {
  if (isEmpty(source)) check.fail(path, "must have a field; leave `from` out for any caller");
  const { principals, notPrincipals, namespaces, notNamespaces, serviceAccounts, notServiceAccounts } = source;
  const identities = [principals, notPrincipals, namespaces, notNamespaces].some((each) => each?.length);
  if (identities && (serviceAccounts?.length || notServiceAccounts?.length))
    check.fail(path, "cannot have serviceAccounts together with namespaces or principals");
  for (const field of ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] as const)
    for (const [i, each] of (source[field] ?? []).entries()) check.subnet(each, [...path, field, i]);
  for (const field of ["serviceAccounts", "notServiceAccounts"] as const)
    checkServiceAccounts(source[field] ?? [], [...path, field], check);
}

/** Service accounts, `NAMESPACE/ACCOUNT` or `ACCOUNT`. */
export function checkServiceAccounts(accounts: readonly string[], path: Path, check: Checker): void {
  if (accounts.length > MAX_ACCOUNTS) check.fail(path, `may have at most ${MAX_ACCOUNTS} values`);
  for (const [i, each] of accounts.entries()) {
    const parts = each.split("/");
    if (each.includes("*")) check.fail([...path, i], `"${each}" has a wildcard, which service accounts cannot have`);
    else if (each.length > MAX_ACCOUNT_LENGTH)
      check.fail([...path, i], `is longer than ${MAX_ACCOUNT_LENGTH} characters`);
    else if (parts.length > 2 || parts.includes(""))
      check.fail([...path, i], `"${each}" is not a service account; write ACCOUNT or NAMESPACE/ACCOUNT`);
  }
}

/** Rules of an `operation`. */
export function checkOperation(operation: AuthorizationOperation, path: Path, check: Checker): void {
  if (isEmpty(operation)) check.fail(path, "must have a field; leave `to` out for any operation");
  for (const field of ["ports", "notPorts"] as const) checkPorts(operation[field] ?? [], [...path, field], check);
  for (const field of ["paths", "notPaths"] as const)
    for (const [i, each] of (operation[field] ?? []).entries()) {
      const error = pathError(each);
      if (error !== undefined) check.fail([...path, field, i], error);
    }
}

/** Port numbers as texts. */
export function checkPorts(ports: readonly string[], path: Path, check: Checker): void {
  for (const [i, each] of ports.entries())
    if (!/^\d{1,10}$/.test(each) || Number(each) > 65_535) check.fail([...path, i], `"${each}" is not a port number`);
}
