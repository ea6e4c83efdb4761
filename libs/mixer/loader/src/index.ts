export { adapterLoader, adapterWatcher, installAdapters, installedFrom, uninstallAdapters } from "./install.ts";
export { type AdapterPackage, type LoadedAdapter, loadAdapterPackage } from "./load.ts";
export { findPackage } from "./package.ts";
