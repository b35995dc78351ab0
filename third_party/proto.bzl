"""C++ code from .proto files, by the system's protoc and gRPC plugin."""

# The folder that import paths start from: proto/weir/v1/tensor.proto is "weir/v1/tensor.proto".
_ROOT = "proto"

def weir_cc_proto(name, srcs, deps = [], grpc = False, visibility = None):
    """A cc_library of messages, and of services if `grpc`.

    Args:
      name: the library; `<name>_srcs` are the .proto files, for other such libraries and for users.
      srcs: .proto files, imported and included by their path below proto/.
      deps: other weir_cc_proto libraries whose files these import.
      grpc: whether the files declare services.
      visibility: of the library.
    """
    suffixes = [".pb"] + ([".grpc.pb"] if grpc else [])
    stems = [src[:-len(".proto")] for src in srcs]
    hdrs = [stem + suffix + ".h" for stem in stems for suffix in suffixes]
    ccs = [stem + suffix + ".cc" for stem in stems for suffix in suffixes]
    out = "$(RULEDIR)" + "/.." * native.package_name()[len(_ROOT):].count("/")
    protoc, plugin = "@system//:bin/protoc", "@system//:bin/grpc_cpp_plugin"
    flags = "-I%s --cpp_out=%s" % (_ROOT, out)
    if grpc:
        flags += " --grpc_out=%s --plugin=protoc-gen-grpc=$(location %s)" % (out, plugin)
    native.filegroup(
        name = name + "_srcs",
        srcs = srcs + [dep + "_srcs" for dep in deps],
        visibility = visibility,
    )
    native.genrule(
        name = name + "_gen",
        srcs = srcs + [dep + "_srcs" for dep in deps],
        outs = hdrs + ccs,
        cmd = "$(location %s) %s %s" % (
            protoc,
            flags,
            " ".join(["$(location %s)" % src for src in srcs]),
        ),
        message = "Generating C++ from",
        tools = [protoc] + ([plugin] if grpc else []),
    )
    native.cc_library(
        name = name,
        srcs = ccs,
        hdrs = hdrs,
        copts = ["-w"],
        strip_include_prefix = "/" + _ROOT,
        visibility = visibility,
        deps = deps + ["@system//:grpc++" if grpc else "@system//:protobuf"],
    )
