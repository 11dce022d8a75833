{
  "variables": {
    "variables": { "sanitize%": "" },
    "sanitize%": "<(sanitize)", "static_runtime%": "", "card_engine%": "",
    "sanitizing": [
      "-O2", "-g1", "-fno-omit-frame-pointer", "-fsanitize=<(sanitize)",
      "-fno-sanitize=vptr", "-fno-sanitize-recover=undefined"
    ]
  },
  "targets": [
    {
      "target_name": "spikescope",
      "sources": [
        "<!@(node -p \"require('./sources.json').flatMap(d => require('fs').readdirSync(d, { recursive: true }).map(f => d + '/' + f)).filter(f => f.endsWith('.cpp') && !f.startsWith('device/card/')).sort().join(' ')\")"
      ],
      "include_dirs": ["<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fvisibility=hidden", "-Wall", "-Wextra"],
      "conditions": [
        ["sanitize!=''", {
          "cflags!": ["-O3"],
          "defines": ["SPIKESCOPE_TEST_BACKENDS"],
          "cflags_cc": ["<@(sanitizing)"],
          "ldflags": ["-fsanitize=<(sanitize)"]
        }],
        ["static_runtime!=''", {
          "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]
        }],
        ["card_engine!=''", {
          "dependencies": ["card"],
          "sources!": ["device/without_card.cpp"]
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
  ],
  "conditions": [
    ["card_engine!=''", {
      "targets": [
        {
          "target_name": "card",
          "type": "static_library",
          "dependencies": ["card_engine"],
          "sources": [
            "<!@(node -p \"require('fs').readdirSync('device/card').filter(f => f.endsWith('.cpp')).sort().map(f => 'device/card/' + f).join(' ')\")"
          ],
          "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
          "cflags_cc": [
            "-std=c++17", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra",
            "-isystem<(module_root_dir)/<(card_engine)/api", "-isystem<(module_root_dir)/<(card_engine)/inc",
            "-isystem<(module_root_dir)/<(card_engine)"
          ],
          "conditions": [["sanitize!=''", { "cflags!": ["-O3"], "cflags_cc": ["<@(sanitizing)"] }]]
        },
        {
          "target_name": "card_engine",
          "type": "static_library",
          "sources": [
            "<!@(node -p \"require('fs').readdirSync('<(card_engine)/src').filter(f => f.endsWith('.cpp')).sort().map(f => '<(card_engine)/src/' + f).join(' ')\")"
          ],
          "include_dirs": ["<(card_engine)/api", "<(card_engine)/inc", "<(card_engine)/src", "<(card_engine)"],
          "defines": ["AKIDA_VERSION=\"2.19.3\"", "NDEBUG"],
          "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
          "cflags_cc": ["-std=c++17", "-fPIC", "-fvisibility=hidden", "-w"],
          "conditions": [["sanitize!=''", { "cflags!": ["-O3"], "cflags_cc": ["<@(sanitizing)"] }]]
        }
      ]
    }]
  ]
}
