import type { Fields } from "./fields.ts";

/** What the agent assumes where its configuration says nothing (docs/reference/platform.md §2.3). */
export const PROXY_CONFIG_DEFAULTS: Fields = {
  statusPort: 15_020,
  proxyAdminPort: 15_000,
  interceptionMode: "REDIRECT",
};
