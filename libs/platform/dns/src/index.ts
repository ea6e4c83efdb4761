export { createDnsProxy, type DnsProxyOptions } from "./dns-proxy.ts";
export { readNameTable } from "./name-table.ts";
