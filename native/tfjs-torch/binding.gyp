{
  "targets": [
    {
      "target_name": "tfjs_torch",
      "sources": [
        "<!@(node -p \"require('./sources.json').flatMap(d => require('fs').readdirSync(d).map(f => d + '/' + f)).filter(f => f.endsWith('.cpp')).sort().join(' ')\")"
      ],
      "include_dirs": [
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fvisibility=hidden", "-fopenmp", "-Wall", "-Wextra", "-ffp-contract=off",
                    "-isystem", "/usr/include/torch/csrc/api/include"],
      "libraries": ["-ltorch", "-ltorch_cpu", "-lc10", "-lgomp", "-ldl"]
    }
  ]
}
