"""Libraries and tools of the system as one Bazel repository.

What to compile and link with comes from pkg-config, so nobody keeps lists of -l flags. Header
directories that the compiler does not search by itself are linked into the repository; those below
/usr/include need nothing. The environment variable LIBTORCH names an unpacked LibTorch that is used
instead of the system's: the module "torch" then has that prefix.
"""

_DEFAULT_INCLUDE_DIRS = ["/usr/include", "/usr/local/include"]

def _run(ctx, command, env = {}):
    result = ctx.execute(command, environment = env)
    if result.return_code != 0:
        fail("%s: %s(./weir deps installs what weir needs)" % (" ".join(command), result.stderr))
    return result.stdout

def _flags(ctx, command, env):
    return [flag for flag in _run(ctx, command, env).replace("\n", " ").split(" ") if flag]

def _unique(items):
    return {item: True for item in items}.keys()

def _cc_library(ctx, name, modules, pkg_config, env):
    """The text of a cc_library for the pkg-config modules."""
    includes, defines = [], []
    for flag in _flags(ctx, pkg_config + ["--cflags"] + modules, env):
        if flag.startswith("-D"):
            defines.append(flag[2:])
        elif flag.startswith("-I") or flag.startswith("-isystem"):
            directory = flag.replace("-isystem", "").replace("-I", "")
            if directory not in _DEFAULT_INCLUDE_DIRS:
                link = "%s_include_%d" % (name, len(includes))
                ctx.symlink(directory, link)
                includes.append(link)
    linkopts = _flags(ctx, pkg_config + ["--libs"] + modules, env)
    return """
cc_library(
    name = {name},
    hdrs = {hdrs},
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
)
""".format(
        name = repr(name),
        defines = _unique(defines),
        hdrs = "glob(%r)" % [i + "/**/*.h" for i in includes] if includes else [],
        includes = includes,
        # A library may be named again behind one that needs it; the last mention counts.
        linkopts = reversed(_unique(reversed(linkopts))),
    )

def _system_libraries_impl(ctx):
    pkg_config = ["pkg-config"]
    libtorch = ctx.os.environ.get("LIBTORCH", "")
    torch_prefix = []
    if libtorch:
        torch_prefix = [
            "--define-variable=prefix=" + libtorch,
            "--define-variable=ldflags=-L{0}/lib -Wl,-rpath,{0}/lib".format(libtorch),
        ]
    own_modules = {}
    for label in ctx.attr.pkgconfig:
        path = ctx.path(label)
        own_modules[str(path.dirname)] = True
    users_path = ctx.os.environ.get("PKG_CONFIG_PATH", "")
    env = {"PKG_CONFIG_PATH": ":".join(own_modules.keys() + ([users_path] if users_path else []))}

    build = ['package(default_visibility = ["//visibility:public"])']
    for name, modules in ctx.attr.modules.items():
        prefix = torch_prefix if name == "torch" else []
        build.append(_cc_library(ctx, name, modules, pkg_config + prefix, env))
    for tool in ctx.attr.tools:
        path = ctx.which(tool)
        if not path:
            fail("%s is not installed (./weir deps installs what weir needs)" % tool)
        ctx.symlink(path, "bin/" + tool)
        build.append('exports_files(["bin/%s"])' % tool)
    ctx.file("BUILD.bazel", "\n".join(build) + "\n")

system_libraries = repository_rule(
    implementation = _system_libraries_impl,
    attrs = {
        "modules": attr.string_list_dict(doc = "Target name to its pkg-config modules."),
        "pkgconfig": attr.label_list(
            allow_files = [".pc"],
            doc = "Module files for libraries that ship none.",
        ),
        "tools": attr.string_list(doc = "Programs exported as @<name>//:bin/<tool>."),
    },
    configure = True,
    environ = ["LIBTORCH", "PATH", "PKG_CONFIG_PATH"],
    local = True,
)
