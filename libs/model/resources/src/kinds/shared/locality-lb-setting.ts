import { bool, field, list, map, message, type Static, string, uint32 } from "@xebec/model-schema";

const Distribute = message("LocalityLoadBalancerSetting.Distribute", {
  from: field(string(), "Where the client is: `region/zone/subzone`, also with `*` at its end."),
  to: field(map(uint32({ maximum: 100 })), "Shares of the traffic by locality, 100 together."),
});

const Failover = message("LocalityLoadBalancerSetting.Failover", {
  from: field(string(), "A region."),
  to: field(string(), "The region that takes its traffic when its endpoints are not healthy."),
});

/** Locality load balancing, of a DestinationRule and of the mesh (docs/reference/pilot.md §3.2). */
export const LocalityLbSetting = message("LocalityLoadBalancerSetting", {
  distribute: field(list(Distribute), "Shares traffic between localities. Not beside `failover`."),
  failover: field(list(Failover), "Which region stands in for which."),
  failoverPriority: field(
    list(string({ minLength: 1 })),
    "Labels whose agreement with the client's makes endpoints preferred.",
  ),
  enabled: field(bool(), "Switches locality load balancing off with `false`.", { default: true }),
});
export type LocalityLbSetting = Static<typeof LocalityLbSetting>;
