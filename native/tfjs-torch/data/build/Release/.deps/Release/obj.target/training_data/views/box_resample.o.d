cmd_Release/obj.target/training_data/views/box_resample.o := g++ -o Release/obj.target/training_data/views/box_resample.o ../views/box_resample.cpp '-DNODE_GYP_MODULE_NAME=training_data' '-DUSING_UV_SHARED=1' '-DUSING_V8_SHARED=1' '-DV8_DEPRECATION_WARNINGS=1' '-D_GLIBCXX_USE_CXX11_ABI=1' '-D_FILE_OFFSET_BITS=64' '-D_LARGEFILE_SOURCE' '-D__STDC_FORMAT_MACROS' '-DOPENSSL_NO_PINSHARED' '-DOPENSSL_THREADS' '-DNAPI_VERSION=8' '-DNAPI_CPP_EXCEPTIONS' '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS' '-DBUILDING_NODE_EXTENSION' -I/usr/include/node -I/usr/src -I/usr/deps/openssl/config -I/usr/deps/openssl/openssl/include -I/usr/deps/uv/include -I/usr/deps/zlib -I/usr/deps/v8/include -I../../../../node_modules/node-addon-api  -fPIC -pthread -Wall -Wextra -Wno-unused-parameter -m64 -O3 -fno-omit-frame-pointer -std=c++17 -fvisibility=hidden -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math -MMD -MF ./Release/.deps/Release/obj.target/training_data/views/box_resample.o.d.raw   -c
Release/obj.target/training_data/views/box_resample.o: \
 ../views/box_resample.cpp ../views/box_resample.h ../views/view.h \
 ../views/target.h
../views/box_resample.cpp:
../views/box_resample.h:
../views/view.h:
../views/target.h:
