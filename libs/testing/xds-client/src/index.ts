export { AdsClient, type AdsClientOptions } from "./ads-client.ts";
