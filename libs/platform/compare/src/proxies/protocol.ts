// What the comparison and the process of the synthetic proxies say to each other: JSON, a message a line.
import type { AskedType } from "@xebec/platform-xds-client";

/** Proxies that only subscribe. */
export interface ProxiesOrder {
  /** Where they are served without TLS, `host:port`. */
  readonly address: string;
  readonly count: number;
  /** Route tables that each asks for. */
  readonly routes: readonly string[];
  /** Filters whose configuration each asks for. */
  readonly extensions: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What a proxy gets when a change has reached it. */
export interface Sign {
  /** The type of the resources; any when absent. */
  readonly type?: AskedType | undefined;
  /** A text in them; any message when absent. */
  readonly text?: string | undefined;
}

export type ToProxies = { readonly watch: Sign };

export type FromProxies =
  | { readonly connected: true }
  /** Why a proxy did not get its configuration. */
  | { readonly failed: string }
  /** From now on each proxy's first message with the sign counts. */
  | { readonly watching: true }
  /** When each proxy got it, by the machine's monotonic clock, in milliseconds. */
  | { readonly arrived: readonly number[] };

/** The clock that all processes of a machine share, in milliseconds. */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
