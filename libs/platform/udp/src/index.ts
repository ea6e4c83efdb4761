export { type UdpOptions, UdpSender } from "./udp-sender.ts";
