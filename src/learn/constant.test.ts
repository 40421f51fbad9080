import { constant } from "./constant.ts";
import { checkEstimator } from "./suite.ts";

checkEstimator(constant, {
  params: {},
  rowOrder: "same",
  cancellable: false,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:d104e29a9f397c72d787065a73f9ff51a7e12c6524cb57e74002dc9a7eedc480",
      "multiclass-classification": "sha256:0554f1cc324a07ecbdd0b5bd380c53020751f9b5904ad80867a88cece626a353",
      regression: "sha256:5dbaf0658611fb7b418566366c9137e83982b419e8d96baaaa00741b219288e9",
    },
  },
});
