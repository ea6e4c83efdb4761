import type { Generator, ResourceSet, ResourceType } from "@xebec/pilot-xds-gen";
import type { SecretAccess } from "../server/secret-access.ts";
import type { NameSets } from "../subscription/name-sets.ts";
import type { MessageCache } from "../wire/message.ts";
import type { AckTimeouts } from "./ack-timeouts.ts";
import type { EarlierClusters } from "./earlier-clusters.ts";
import type { LargePushes } from "./large-pushes.ts";
import type { WriteBudget } from "./write-budget.ts";

/** What a connection shares with all others. @typeParam Connection the connections themselves, which import this file */
export interface Shared<Connection> {
  /** The types that are served, in push order. */
  readonly types: readonly ResourceType[];
  readonly generator: () => Generator | undefined;
  /** Undefined when the parts of a connection's configuration are made; otherwise what to wait for. */
  readonly prepared: (connection: Connection, generator: Generator) => Promise<void> | undefined;
  readonly names: NameSets;
  /** Who may have Secrets. */
  readonly secretAccess: SecretAccess;
  /** From how many services on new clients get virtual hosts one by one; 0: never. */
  readonly vhdsFrom: number;
  readonly messages: MessageCache;
  readonly budget: WriteBudget;
  readonly largePushes: LargePushes;
  readonly ackTimeouts: AckTimeouts;
  readonly earlier: EarlierClusters;
  /** The clusters that clients have which are connected now. */
  readonly liveClusters: () => Iterable<ResourceSet>;
  /** Called for each message sent. */
  onSent(type: ResourceType, bytes: number): void;
  onNack(connection: Connection, type: ResourceType, message: string, configKeys: readonly string[]): void;
  /** Called when the quarantine of a client has changed. */
  onQuarantine(): void;
  onExpiredNonce(type: ResourceType): void;
  /** Called when the client did not take what it was sent; its stream is over. */
  onStalled(connection: Connection): void;
  /** Does something for a connection; an error ends its stream and reaches nobody else. */
  guarded(connection: Connection, work: () => void): void;
}
