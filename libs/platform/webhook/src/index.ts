export {
  type BundleKeeper,
  type BundleKeeperOptions,
  createBundleKeeper,
  KEEPER_TIMES,
  type KeeperTimes,
} from "./bundle-keeper.ts";
export { rootsOf } from "./ca-bundle.ts";
export {
  type ConfigurationKeeper,
  type ConfigurationKeeperOptions,
  createConfigurationKeeper,
} from "./configuration-keeper.ts";
export { createPublishedTls, PUBLISH_TIMES, type PublishTimes } from "./published-tls.ts";
export { rejectsThroughServer, type Verdict } from "./rejection.ts";
