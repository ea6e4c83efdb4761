export { AdsClient, type AdsClientOptions, type AskedType } from "./ads-client.ts";
