#include <ashlar/comm/launch.hpp>

#include <map>
#include <string>

#include <ashlar/error.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

using comm::Environment;
using comm::launch;
using comm::Launch;
using comm::place;
using comm::Place;
using Variables = std::map<std::string, std::string>;

Environment of(const Variables& variables) {
  return [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

std::string failure(const Variables& variables) {
  try {
    launch(of(variables));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const Variables torchrun{{"RANK", "5"},
                         {"WORLD_SIZE", "8"},
                         {"LOCAL_RANK", "1"},
                         {"LOCAL_WORLD_SIZE", "4"},
                         {"MASTER_ADDR", "node0"},
                         {"MASTER_PORT", "29400"}};
const Variables open_mpi{{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "2"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
const Variables mpich{
    {"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "3"}, {"MPI_LOCALNRANKS", "4"}};
const Variables slurm{
    {"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "2"}, {"SLURM_NNODES", "1"}};

Variables with(Variables variables, const Variables& more) {
  for (const auto& [name, value] : more) variables[name] = value;
  return variables;
}

Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

TEST_CASE("nothing set is a world of one") {
  CHECK(launch(of({})) == Launch{});
  CHECK(place(of({})) == Place{0, 1});
  CHECK(launch(of({{"RANK", ""}, {"WORLD_SIZE", ""}})) == Launch{});
}

TEST_CASE("each launcher is understood") {
  CHECK(launch(of(torchrun)) == Launch{5, 8, 1, 4, "node0", 29400});
  CHECK(launch(of(open_mpi)) == Launch{1, 2, 1, 2, "127.0.0.1", 29500});
  CHECK(launch(of(mpich)) == Launch{3, 4, 3, 4, "127.0.0.1", 29500});
  CHECK(launch(of(slurm)) == Launch{2, 4, 2, 4, "127.0.0.1", 29500});
  CHECK(place(of(slurm)) == Place{2, 4});
}

TEST_CASE("what was set by hand comes first, then Open MPI, PMI, Slurm") {
  auto all = with(with(slurm, mpich), with(open_mpi, torchrun));
  CHECK(launch(of(all)).rank == 5);
  for (const auto& [name, value] : torchrun) all.erase(name);
  CHECK(launch(of(all)).rank == 1);
  for (const auto& [name, value] : open_mpi) all.erase(name);
  CHECK(launch(of(all)).rank == 3);
  for (const auto& [name, value] : mpich) all.erase(name);
  CHECK(launch(of(all)).rank == 2);
}

TEST_CASE("by hand on one host, the local rank is the rank") {
  const Variables plain{
      {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "29500"}};
  CHECK(launch(of(plain)) == Launch{1, 2, 1, 2, "127.0.0.1", 29500});
  CHECK(launch(of({{"RANK", "0"}, {"WORLD_SIZE", "1"}})) == Launch{});
  const auto remote = failure(with(plain, {{"MASTER_ADDR", "node0"}}));
  CHECK_THAT(remote, Catch::Matchers::ContainsSubstring("no LOCAL_RANK beside RANK=1, WORLD_SIZE=2"));
}

TEST_CASE("how many processes share a host is what the launcher says, and one where it says nothing") {
  const auto here = [](const Variables& variables) { return comm::local_world(of(variables)); };
  CHECK(here({}) == 1);
  CHECK(here(torchrun) == 4);
  CHECK(here(open_mpi) == 2);
  CHECK(here(mpich) == 4);
  CHECK(here(slurm) == 4);
  CHECK(here(with(slurm, {{"SLURM_NNODES", "2"}})) == 2);
  CHECK(here(without(slurm, "SLURM_NNODES")) == 1);
  CHECK(here(without(torchrun, "LOCAL_WORLD_SIZE")) == 1);
}

TEST_CASE("a half-set environment is an error that names what is missing and what is set") {
  struct Case {
    Variables base;
    const char* missing;
  };
  const Case cases[] = {{torchrun, "RANK"},
                        {torchrun, "WORLD_SIZE"},
                        {torchrun, "LOCAL_RANK"},
                        {torchrun, "MASTER_ADDR"},
                        {torchrun, "MASTER_PORT"},
                        {open_mpi, "OMPI_COMM_WORLD_RANK"},
                        {open_mpi, "OMPI_COMM_WORLD_SIZE"},
                        {mpich, "PMI_RANK"},
                        {mpich, "PMI_SIZE"},
                        {slurm, "SLURM_PROCID"},
                        {slurm, "SLURM_NTASKS"}};
  for (const auto& [base, missing] : cases) {
    const auto rest = without(base, missing);
    const auto sentence = failure(rest);
    INFO(sentence);
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring("[ashlar.comm.8]"));
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring(std::string("got no ") + missing + " beside "));
    for (const auto& [name, value] : rest)
      CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring(name + "=" + value));
  }
}

TEST_CASE("one variable alone is half set, wherever it comes from") {
  for (const char* alone : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT",
                            "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMIX_RANK", "SLURM_NTASKS", "SLURM_LOCALID"})
    CHECK_THAT(failure({{alone, "1"}}), Catch::Matchers::ContainsSubstring("[ashlar.comm.8]"));
  CHECK_THAT(failure({{"MASTER_ADDR", "node0"}}),
             Catch::Matchers::ContainsSubstring("no RANK beside MASTER_ADDR=node0"));
}

TEST_CASE("a half-set better source is not passed over for a whole lesser one") {
  CHECK_THAT(failure(with(open_mpi, {{"RANK", "0"}})),
             Catch::Matchers::ContainsSubstring("no WORLD_SIZE beside RANK=0"));
}

TEST_CASE("numbers are whole and within their range") {
  const Variables wrong[] = {{{"RANK", "eight"}},
                             {{"RANK", "8"}},
                             {{"RANK", "-1"}},
                             {{"WORLD_SIZE", "0"}},
                             {{"WORLD_SIZE", "2x"}},
                             {{"LOCAL_RANK", "4"}},
                             {{"LOCAL_RANK", " 1"}},
                             {{"MASTER_PORT", "0"}},
                             {{"MASTER_PORT", "65536"}},
                             {{"LOCAL_WORLD_SIZE", "9"}},
                             {{"RANK", "99999999999999999999"}}};
  for (const auto& change : wrong) {
    const auto sentence = failure(with(torchrun, change));
    INFO(sentence);
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring("[ashlar.comm.9]"));
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring(change.begin()->first));
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring("'" + change.begin()->second + "'"));
  }
}

TEST_CASE("several hosts need MASTER_ADDR") {
  const auto two_hosts = with(open_mpi, {{"OMPI_COMM_WORLD_SIZE", "4"}});
  CHECK_THAT(failure(two_hosts), Catch::Matchers::ContainsSubstring("[ashlar.comm.10]"));
  CHECK(place(of(two_hosts)) == Place{1, 4});
  CHECK(launch(of(with(two_hosts, {{"MASTER_ADDR", "node0"}}))) == Launch{1, 4, 1, 2, "node0", 29500});
  const auto nodes = with(slurm, {{"SLURM_NNODES", "2"}, {"SLURM_LOCALID", "0"}});
  CHECK_THAT(failure(nodes), Catch::Matchers::ContainsSubstring("[ashlar.comm.10]"));
  CHECK(launch(of(with(nodes, {{"MASTER_ADDR", "node0"}}))) == Launch{2, 4, 0, 0, "node0", 29500});
}

}  // namespace
}  // namespace ashlar
