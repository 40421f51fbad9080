export type { Attribute, ElementType, OnnxModel, OnnxNode, Tensor, ValueInfo } from "./model.ts";
