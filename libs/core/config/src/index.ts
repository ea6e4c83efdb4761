export { addressText, type HostPort, parseAddress, withoutUserinfo } from "./address.ts";
export { configArguments } from "./arguments.ts";
export { type Check, isAddress, isDirectory } from "./checks.ts";
export { ConfigError } from "./config-error.ts";
export {
  type ConfigOf,
  type ConfigSpec,
  type ConfigValues,
  defineConfig,
  type IgnoredFlag,
  type Option,
  option,
} from "./define.ts";
export { helpText } from "./help.ts";
export { type LoadedConfig, loadConfig } from "./load.ts";
export { mainConfig } from "./main-config.ts";
export { configOf } from "./values.ts";
