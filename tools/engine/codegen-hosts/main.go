// The language hosts of Python and Go for an engine that tools/engine has built: `pulumi-language-python` and `pulumi-language-go`, one program
// under two names. A release of Pulumi carries its own; their modules can't be had from Go's module proxy.
//
// What a program in these languages has from us here is only how its process is started. The generators of SDKs are Pulumi's
// (pkg/v3/codegen), and so are the SDKs, and the script that runs a Python program (pulumi-language-python-exec, out of the module sdk/v3).
// What is left out (debugger, `pulumi install`, conversion), the engine is told: UNIMPLEMENTED.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	pygen "github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	codegenrpc "github.com/pulumi/pulumi/sdk/v3/proto/go/codegen"
)

// alreadyReported is the exit code of a program whose failure has been shown to the user.
const alreadyReported = 32

// language is how the two differ.
type language struct {
	generate func(*schema.Package, map[string][]byte, schema.ReferenceLoader) (map[string][]byte, error)
	// command is what runs the program; done removes what that needed.
	command func(*host, *pulumirpc.RunRequest) (cmd *exec.Cmd, done func(), err error)
	link    func(directory, name, path string) error
}

var languages = map[string]language{
	"python": {
		generate: func(pkg *schema.Package, extra map[string][]byte, loader schema.ReferenceLoader) (map[string][]byte, error) {
			return pygen.GeneratePackage("pulumi-language-python", pkg, extra, loader)
		},
		command: pythonProgram,
		link:    linkPython,
	},
	"go": {
		generate: func(pkg *schema.Package, extra map[string][]byte, _ schema.ReferenceLoader) (map[string][]byte, error) {
			files, err := gogen.GeneratePackage("pulumi-language-go", pkg, nil)
			for name, content := range extra {
				files[name] = content
			}
			return files, err
		},
		command: goProgram,
		link:    linkGo,
	},
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "pulumi-language-")
	of, known := languages[name]
	if !known {
		fail(fmt.Errorf("no language host of this name: %s", os.Args[0]))
	}
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(strings.TrimPrefix(version.Version, "v"))
		return
	}
	address := ""
	if len(os.Args) > 1 {
		address = os.Args[len(os.Args)-1]
	}
	served := &host{of: of, engine: address, programs: map[*exec.Cmd]bool{}}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, served)
			return nil
		},
		Options: rpcutil.OpenTracingServerInterceptorOptions(nil),
	})
	if err != nil {
		fail(err)
	}
	fmt.Println(handle.Port)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		// The engine holds the other end of our standard input for as long as it lives, however it ends.
		if info, err := os.Stdin.Stat(); err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
			return
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		signals <- syscall.SIGTERM
	}()
	go func() {
		<-signals
		served.stop()
		os.Exit(1)
	}()
	if err := <-handle.Done; err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	of       language
	engine   string
	mutex    sync.Mutex
	programs map[*exec.Cmd]bool
}

func (h *host) Handshake(context.Context, *pulumirpc.LanguageHandshakeRequest) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

func (h *host) GetRequiredPlugins(context.Context, *pulumirpc.GetRequiredPluginsRequest) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

// GetRequiredPackages tells what the SDKs that `pulumi package add` has generated belong to. From the version there the engine takes the
// provider of resources that name none; without it, that provider would be another in the second run.
func (h *host) GetRequiredPackages(_ context.Context, request *pulumirpc.GetRequiredPackagesRequest) (*pulumirpc.GetRequiredPackagesResponse, error) {
	response := &pulumirpc.GetRequiredPackagesResponse{}
	files, err := filepath.Glob(filepath.Join(request.GetInfo().GetProgramDirectory(), "sdks", "*", "*", "pulumi-plugin.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var of struct{ Name, Version, Server string }
		if err := json.Unmarshal(content, &of); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		response.Packages = append(response.Packages,
			&pulumirpc.PackageDependency{Kind: "resource", Name: of.Name, Version: of.Version, Server: of.Server})
	}
	return response, nil
}

// `pulumi package add` ends with it. Where the dependencies of the tests' programs come from is for these to know.
func (h *host) InstallDependencies(*pulumirpc.InstallDependenciesRequest, pulumirpc.LanguageRuntime_InstallDependenciesServer) error {
	return nil
}

func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.stop()
	return &emptypb.Empty{}, nil
}

func (h *host) stop() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for program := range h.programs {
		_ = program.Process.Kill()
		h.programs[program] = false
	}
}

// ---- running a program ------------------------------------------------------------------------------------------------

func (h *host) Run(_ context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	config, err := json.Marshal(request.GetConfig())
	if err != nil {
		return nil, err
	}
	secrets, err := json.Marshal(request.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	program, done, err := h.of.command(h, request)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	defer done()
	program.Dir = request.GetInfo().GetProgramDirectory()
	program.Env = append(os.Environ(), program.Env...)
	program.Env = append(program.Env, "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secrets))
	// Its output is ours, which the engine shows.
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	h.mutex.Lock()
	err = program.Start()
	if err == nil {
		h.programs[program] = true
	}
	h.mutex.Unlock()
	if err != nil {
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("could not start %s: %v", program.Path, err)}, nil
	}
	err = program.Wait()
	h.mutex.Lock()
	stopped := !h.programs[program]
	delete(h.programs, program)
	h.mutex.Unlock()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case stopped || errors.As(err, &exit) && exit.ExitCode() == alreadyReported:
		return &pulumirpc.RunResponse{Bail: true}, nil
	}
	return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program failed: %v", err)}, nil
}

func option(request *pulumirpc.RunRequest, name string) string {
	text, _ := request.GetInfo().GetOptions().AsMap()[name].(string)
	return text
}

// The Python of `runtime.options.virtualenv`, else the one on PATH.
func pythonProgram(h *host, request *pulumirpc.RunRequest) (*exec.Cmd, func(), error) {
	python := "python3"
	if venv := option(request, "virtualenv"); venv != "" {
		if !filepath.IsAbs(venv) {
			venv = filepath.Join(request.GetInfo().GetRootDirectory(), venv)
		}
		python = filepath.Join(venv, "bin", "python")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	arguments := []string{"-u", filepath.Join(filepath.Dir(self), "pulumi-language-python-exec")}
	for _, each := range [][2]string{
		{"monitor", request.GetMonitorAddress()},
		{"engine", h.engine},
		{"project", request.GetProject()},
		{"stack", request.GetStack()},
		{"organization", request.GetOrganization()},
		{"root_directory", request.GetInfo().GetRootDirectory()},
		{"pwd", request.GetPwd()},
		{"parallel", strconv.Itoa(int(request.GetParallel()))},
		{"dry_run", strconv.FormatBool(request.GetDryRun())},
	} {
		if each[1] != "" {
			arguments = append(arguments, "--"+each[0], each[1])
		}
	}
	arguments = append(arguments, request.GetInfo().GetEntryPoint())
	return exec.Command(python, append(arguments, request.GetArgs()...)...), func() {}, nil
}

// Compiled for each run, as Pulumi's own host does.
func goProgram(h *host, request *pulumirpc.RunRequest) (*exec.Cmd, func(), error) {
	folder, err := os.MkdirTemp("", "pulumi-go-")
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = os.RemoveAll(folder) }
	binary := filepath.Join(folder, "program")
	compiler := exec.Command("go", "build", "-o", binary, ".")
	compiler.Dir = filepath.Join(request.GetInfo().GetProgramDirectory(), request.GetInfo().GetEntryPoint())
	if output, err := compiler.CombinedOutput(); err != nil {
		done()
		return nil, nil, fmt.Errorf("the program doesn't compile: %w\n%s", err, output)
	}
	program := exec.Command(binary, request.GetArgs()...)
	program.Env = []string{
		"PULUMI_MONITOR=" + request.GetMonitorAddress(),
		"PULUMI_ENGINE=" + h.engine,
		"PULUMI_PROJECT=" + request.GetProject(),
		"PULUMI_STACK=" + request.GetStack(),
		"PULUMI_ORGANIZATION=" + request.GetOrganization(),
		"PULUMI_ROOT_DIRECTORY=" + request.GetInfo().GetRootDirectory(),
		"PULUMI_PARALLEL=" + strconv.Itoa(int(request.GetParallel())),
		"PULUMI_DRY_RUN=" + strconv.FormatBool(request.GetDryRun()),
	}
	return program, done, nil
}

// ---- SDKs ---------------------------------------------------------------------------------------------------------------

func (h *host) GeneratePackage(_ context.Context, request *pulumirpc.GeneratePackageRequest) (*pulumirpc.GeneratePackageResponse, error) {
	loader, err := schema.NewLoaderClient(request.GetLoaderTarget())
	if err != nil {
		return nil, err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(request.GetSchema()), &spec); err != nil {
		return nil, err
	}
	pkg, found, err := schema.BindSpec(spec, loader, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GeneratePackageResponse{}
	for _, each := range found {
		response.Diagnostics = append(response.Diagnostics, &codegenrpc.Diagnostic{
			Severity: codegenrpc.DiagnosticSeverity(each.Severity),
			Summary:  each.Summary,
			Detail:   each.Detail,
		})
	}
	if found.HasErrors() {
		return response, nil
	}
	files, err := h.of.generate(pkg, request.GetExtraFiles(), loader)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		file := filepath.Join(request.GetDirectory(), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// Link is what `pulumi package add` ends with: the SDK becomes a dependency of the program.
func (h *host) Link(_ context.Context, request *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	for _, each := range request.GetPackages() {
		if err := h.of.link(request.GetInfo().GetProgramDirectory(), each.GetPackage().GetName(), each.GetPath()); err != nil {
			return nil, err
		}
	}
	return &pulumirpc.LinkResponse{}, nil
}

func linkPython(directory, _, path string) error {
	file := filepath.Join(directory, "requirements.txt")
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if relative, err := filepath.Rel(directory, path); err == nil && filepath.IsAbs(path) {
		path = relative
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	for _, line := range lines {
		if line == path {
			return nil
		}
	}
	return os.WriteFile(file, []byte(strings.TrimSpace(strings.Join(append(lines, path), "\n"))+"\n"), 0o600)
}

// The module of a generated SDK is named by its go.mod.
func linkGo(directory, name, path string) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(directory, path)
	}
	mods, err := filepath.Glob(filepath.Join(path, "go.mod"))
	if nested, _ := filepath.Glob(filepath.Join(path, "*", "go.mod")); len(mods) == 0 {
		mods = nested
	}
	if err != nil || len(mods) != 1 {
		return fmt.Errorf("%s: the SDK of %s has no go.mod", path, name)
	}
	content, err := os.ReadFile(mods[0])
	if err != nil {
		return err
	}
	module := strings.Fields(strings.SplitN(string(content), "\n", 2)[0])[1]
	relative, err := filepath.Rel(directory, filepath.Dir(mods[0]))
	if err != nil {
		return err
	}
	edit := exec.Command("go", "mod", "edit", "-require="+module+"@v0.0.0", "-replace="+module+"=./"+relative)
	edit.Dir = directory
	if output, err := edit.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}
