export { type Applied, type ApplyOptions, type FieldConflict, fieldConflicts, serverSideApply } from "./apply.ts";
export { createKubeClient, type KubeCall, type KubeClient, openKubeClient } from "./client.ts";
export { clientReviews } from "./client-reviews.ts";
export { type Cluster, type ClusterOptions, type Credentials, openCluster } from "./cluster.ts";
export {
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
  type KubeCause,
  KubeError,
  type KubeStatus,
  kubeErrorOf,
} from "./kube-error.ts";
export {
  createLeaderElection,
  LEASE_TIMES,
  type LeaderElection,
  type LeaderElectionOptions,
  type LeaseTimes,
  type Term,
} from "./leader-election.ts";
export { type ListOptions, listObjects, type Selection } from "./list.ts";
export {
  createReflector,
  REFLECTOR_TIMES,
  type Reflector,
  type ReflectorChange,
  type ReflectorOptions,
  type ReflectorTimes,
} from "./reflector.ts";
export {
  apiVersionOf,
  type KubeMetadata,
  type KubeObject,
  objectKey,
  pathOf,
  RESOURCES,
  type ResourcePath,
  type ResourceType,
} from "./resource-type.ts";
export {
  type Access,
  type ReviewedToken,
  reviewAccess,
  reviewToken,
  type TokenReview,
  type TokenReviewOptions,
} from "./reviews.ts";
export { createTypeDiscovery, type ServedTypes, type TypeDiscoveryOptions } from "./served-types.ts";
export { createTokenReviewer, rememberingReviewer, type TokenReviewer } from "./token-reviewer.ts";
