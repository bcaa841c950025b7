// Compose files, read as Compose reads them. Pure.

import "../backends/registry";
import "./problems";

export type { ComposeFile } from "./document";
export { parseDotenv } from "./dotenv";
export type { OnDisk } from "./include";
export { interpolate, type Interpolated } from "./interpolate";
export { readCompose, type ComposeRead, type ComposeSources, type ComposeVolume } from "./read";
