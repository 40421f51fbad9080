export { type DecodeLimits, decodeOnnx } from "./decode.ts";
export { drawOnnx } from "./draw.ts";
export { encodeOnnx } from "./encode.ts";
export { type ConstantData, createGraph, type GraphBuilder, type OnnxProfile, tensorOf } from "./graph.ts";
export type { Attribute, ElementType, OnnxModel, OnnxNode, Tensor, ValueInfo } from "./model.ts";
