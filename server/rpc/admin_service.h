// weir.v1.Admin: what operators see of the models, and what they change.
#ifndef WEIR_SERVER_RPC_ADMIN_SERVICE_H_
#define WEIR_SERVER_RPC_ADMIN_SERVICE_H_

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/model/repository.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {

// Thread-safe. A change is carried out by the repository's thread, which also answers; gRPC's
// threads never wait for one. A caller that goes away does not take back what it asked for.
//
// Before the gRPC server can end, the repository has to be stopped: that answers the calls that
// wait. The load that is running, if any, is still finished.
class AdminService : public v1::Admin::CallbackService {
 public:
  // `repository` must outlive the service.
  explicit AdminService(Repository& repository) : repository_(repository) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* LoadModel(grpc::CallbackServerContext* context,
                                      const v1::LoadModelRequest* request,
                                      v1::LoadModelResponse* response) override;
  grpc::ServerUnaryReactor* UnloadModel(grpc::CallbackServerContext* context,
                                        const v1::UnloadModelRequest* request,
                                        v1::UnloadModelResponse* response) override;
  grpc::ServerUnaryReactor* ReloadRepository(grpc::CallbackServerContext* context,
                                             const v1::ReloadRepositoryRequest* request,
                                             v1::ReloadRepositoryResponse* response) override;

 private:
  Repository& repository_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_ADMIN_SERVICE_H_
