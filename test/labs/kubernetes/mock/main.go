// Kubernetes' own mock CSI driver, of its end-to-end tests, under any driver's name: `csi-mock NAME SOCKET RULES [--no-modify]`. It accepts
// every change, unless RULES, a JSON file that is read at each change, says otherwise. Requests are printed, one JSON document per line.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/kubernetes/test/e2e/storage/drivers/csi-test/driver"
	"k8s.io/kubernetes/test/e2e/storage/drivers/csi-test/mock/service"
)

// What a change of a volume is answered with: a gRPC code with its message, after a delay; 0 accepts it.
type rules struct {
	Code    codes.Code `json:"code"`
	Message string     `json:"message"`
	DelayMs int        `json:"delayMs"`
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("csi-mock of Kubernetes 1.34.3")
		return
	}
	name, socket, file := os.Args[1], os.Args[2], os.Args[3]
	canModify := len(os.Args) < 5
	s := service.New(service.Config{DriverName: name, DisableAttach: true})
	d := driver.NewCSIDriver(&driver.CSIDriverServers{Controller: s, Identity: s, Node: s})
	listener, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	log := json.NewEncoder(os.Stdout)
	err = d.Start(listener, func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		switch request := req.(type) {
		case *csi.ControllerModifyVolumeRequest:
			log.Encode(map[string]any{"modify": request.MutableParameters, "volume": request.VolumeId})
			if err := judge(file); err != nil {
				return nil, err
			}
		case *csi.ControllerExpandVolumeRequest:
			log.Encode(map[string]any{"expand": request.CapacityRange.RequiredBytes, "volume": request.VolumeId})
			if err := judge(file); err != nil {
				return nil, err
			}
			// The mock knows only volumes that it created; those of the test are made by hand.
			return &csi.ControllerExpandVolumeResponse{CapacityBytes: request.CapacityRange.RequiredBytes}, nil
		case *csi.ControllerGetCapabilitiesRequest:
			answer, err := next(ctx, req)
			if capabilities, ok := answer.(*csi.ControllerGetCapabilitiesResponse); ok && !canModify {
				kept := []*csi.ControllerServiceCapability{}
				for _, each := range capabilities.Capabilities {
					if each.GetRpc().GetType() != csi.ControllerServiceCapability_RPC_MODIFY_VOLUME {
						kept = append(kept, each)
					}
				}
				capabilities.Capabilities = kept
			}
			return answer, err
		}
		return next(ctx, req)
	})
	if err != nil {
		panic(err)
	}
	select {}
}

func judge(file string) error {
	var now rules
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	if err := json.Unmarshal(text, &now); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	time.Sleep(time.Duration(now.DelayMs) * time.Millisecond)
	if now.Code != codes.OK {
		return status.Error(now.Code, now.Message)
	}
	return nil
}
