{
  "targets": [
    {
      "target_name": "training_data",
      "sources": [
        "<!@(node -p \"require('./sources.json').flatMap(d => require('fs').readdirSync(d).map(f => d + '/' + f)).filter(f => f.endsWith('.cpp')).sort().join(' ')\")"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17", "-fvisibility=hidden", "-Wall", "-Wextra",
        "-fno-math-errno", "-fno-trapping-math"
      ],
      "conditions": [
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
