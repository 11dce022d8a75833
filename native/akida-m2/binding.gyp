{
  "variables": { "sanitize%": "", "static_runtime%": "" },
  "targets": [
    {
      "target_name": "spikescope",
      "sources": [
        "<!@(node -p \"require('./sources.json').flatMap(d => require('fs').readdirSync(d, { recursive: true }).map(f => d + '/' + f)).filter(f => f.endsWith('.cpp')).sort().join(' ')\")"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fvisibility=hidden", "-Wall", "-Wextra"],
      "conditions": [
        ["sanitize!=''", {
          "cflags!": ["-O3"],
          "defines": ["SPIKESCOPE_TEST_BACKENDS"],
          "cflags_cc": [
            "-O2", "-g1", "-fno-omit-frame-pointer", "-fsanitize=<(sanitize)",
            "-fno-sanitize=vptr", "-fno-sanitize-recover=undefined"
          ],
          "ldflags": ["-fsanitize=<(sanitize)"]
        }],
        ["static_runtime!=''", {
          "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
            "GCC_OPTIMIZATION_LEVEL": "3"
          }
        }]
      ]
    }
  ]
}
