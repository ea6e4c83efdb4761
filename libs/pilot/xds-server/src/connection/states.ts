import type { Transitions } from "../state-machine.ts";

/**
 * Whether a connection can send (docs/xds-server.md, "Connection"):
 * - `waiting`: there is no snapshot yet.
 * - `preparing`: the parts of its configuration are being made, in turns of the event loop.
 * - `ready`: what is due is sent.
 * - `congested`: the stream takes nothing more until the client has read.
 * - `closed`: the stream is over.
 */
export type ConnectionState = "waiting" | "preparing" | "ready" | "congested" | "closed";

export type ConnectionEvent = "prepare" | "prepared" | "congest" | "drain" | "close";

export const CONNECTION_TRANSITIONS: Transitions<ConnectionState, ConnectionEvent> = {
  waiting: { prepare: "preparing", prepared: "ready", drain: "waiting", close: "closed" },
  preparing: { prepare: "preparing", prepared: "ready", drain: "preparing", close: "closed" },
  ready: { prepare: "preparing", prepared: "ready", congest: "congested", drain: "ready", close: "closed" },
  congested: { congest: "congested", drain: "ready", close: "closed" },
  closed: { drain: "closed", close: "closed" },
};
