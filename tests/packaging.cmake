# What users build against: headers, exported names, the installed tree, the README's example.
find_program(TESSERA_CXX NAMES c++ g++ clang++)
set(headers ${PROJECT_SOURCE_DIR}/include)

if(TESSERA_CXX)
  add_test(NAME headers COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/headers.sh
    ${headers} ${CMAKE_C_COMPILER} ${TESSERA_CXX})
endif()

# A sanitised library needs its run-time in every consumer and exports its own names.
if(NOT TESSERA_SANITIZE AND NOT TESSERA_FUZZ)
  add_test(NAME exports COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/exports.sh
    $<TARGET_FILE:tessera_shared> $<TARGET_FILE:tessera_static> ${headers})
  if(TESSERA_CXX)
    add_test(NAME consumer COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/run.sh
      ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER} ${TESSERA_CXX})
  endif()
endif()

add_test(NAME readme COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/readme.sh
  ${PROJECT_SOURCE_DIR}/README.md ${CMAKE_CURRENT_SOURCE_DIR}/examples/drop_in.c
  ${CMAKE_CURRENT_SOURCE_DIR}/examples/drop_in_cuda.c)

add_executable(drop_in examples/drop_in.c)
target_link_libraries(drop_in PRIVATE tessera_shared tessera_flags m)
add_test(NAME drop_in COMMAND drop_in)

# Scripts: the same in every build, so once is enough.
if(NOT TESSERA_SANITIZE)
  add_test(NAME profile COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/profile.sh
    ${PROJECT_SOURCE_DIR}/scripts/profile.sh)
  add_test(NAME gpu_check_steps COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/gpu_check.sh
    ${PROJECT_SOURCE_DIR}/scripts/gpu_check.sh)
  add_test(NAME setup COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/setup.sh
    ${PROJECT_SOURCE_DIR}/scripts/setup.sh)
  add_test(NAME downloads COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/downloads.sh
    ${PROJECT_SOURCE_DIR}/scripts)
endif()
