import { bin } from "./bin.ts";
import { impute } from "./impute.ts";
import { oneHot } from "./one-hot.ts";
import { ordinal } from "./ordinal.ts";
import { polynomial } from "./polynomial.ts";
import { minMaxScale, robustScale, standardScale } from "./scale.ts";
import { checkTransformer } from "./suite.ts";
import { targetEncode } from "./target-encode.ts";

checkTransformer(impute, {
  revision: 1,
  cases: {
    mean: { golden: "sha256:de6a573e92ae8f4fe4378b14f5f3046b98b13369af4b2266db4dfe2e1380cbbc" },
    "median and mark": {
      params: { numbers: "median", texts: "constant", mark: true },
      golden: "sha256:19bf4c6f7a0ca1b7cbe9cab3c843de7df7e22ed2645493bc63c0c5d667258325",
    },
    "most frequent": {
      params: { numbers: "most-frequent", mark: true },
      golden: "sha256:21edbe1a19b4f8f5ec1ae6879c73fc74c1cbde3e9239445a0cb93a12a4381b6b",
    },
    constant: {
      params: { numbers: "constant", constant: -1 },
      golden: "sha256:8e68c2a5c2d91927509eb8b1ceb4fbc12a76c84554fce8a56f00ec1f0856df9b",
    },
  },
});
checkTransformer(standardScale, {
  revision: 1,
  cases: { defaults: { golden: "sha256:b679a6301d4046a1979ef9e579df6accd8dbc4144aa3810ba6e34574ea7b8d7b" } },
});
checkTransformer(minMaxScale, {
  revision: 1,
  cases: {
    clipped: { params: { clip: true }, golden: "sha256:e2145e9c855e663602e8985f465bd28bfc4dae11db74eeeb3c216fbfb11bad27" },
    open: { golden: "sha256:16a170218ef147b17b502283f4ec8a9c7f98f294d65ba56b0d5ecfb42fc1f83a" },
  },
});
checkTransformer(robustScale, {
  revision: 1,
  cases: { defaults: { golden: "sha256:8e650187a58f03bc559d54c88d623a1dfd466bafac07094d9e603bff744c129d" } },
});
checkTransformer(oneHot, {
  revision: 1,
  cases: {
    zeros: { golden: "sha256:9c97018863f7310ed35b6a42a68902d109592cf2d858780d66c0469aa92e3288" },
    "few, unseen rare": {
      params: { columnsMax: 2, unseen: "rare" },
      golden: "sha256:aef4fdac9f1ec9104d6f9a7a79a2c8b4040c14e288ae7e4e9d5f5de190d99b6c",
    },
  },
});
checkTransformer(ordinal, {
  revision: 1,
  cases: {
    missing: { golden: "sha256:363f74414993cac58a7b1f55208d45f9aa041a964ec1132d9a5f937eed2f70e5" },
    own: { params: { unseen: "own" }, golden: "sha256:461e8273c81a08128dfb528dc0cee3026fbec6da5331c3d587ddf3976abe3a18" },
  },
});
checkTransformer(targetEncode, {
  revision: 1,
  cases: {
    binary: { golden: "sha256:7dd5996af64392a35973aa9e49fd6cd58f7c4258ab3a9ce5e7fd13c7654588bf" },
    classes: {
      task: "multiclass-classification",
      golden: "sha256:1c73a493c640cf533e53fd54e575c9cb522f662e44894f424ee728575064d275",
    },
    regression: {
      task: "regression",
      params: { smoothing: 0 },
      golden: "sha256:fed4391c47fdffd55fb4cd80af1ce23981ae1a14a2ee33a01939a69a8d457d8a",
    },
  },
});
checkTransformer(bin, {
  revision: 1,
  cases: {
    quantile: { golden: "sha256:f528b2b57178c718f6306013c845c72aa0b2b4a86cfafb90b82445711ffae017" },
    "uniform, one-hot": {
      params: { cut: "uniform", encode: "one-hot", bins: 4 },
      golden: "sha256:1e7fc364dceb70688b03a4f5e34bdf59399a1655191a0343880233b8b2269dac",
    },
  },
});
checkTransformer(polynomial, {
  revision: 1,
  cases: {
    squares: { golden: "sha256:1b359d2872db19c23567353eb1ad1f93564fcb9e78a67c4c512f190909661079" },
    interactions: {
      params: { degree: 3, interactionOnly: true },
      golden: "sha256:4175ae0fc77d7811388fd736ad9384185db0535d3e3bd487dd4ef42e6ba2ec4d",
    },
  },
});
