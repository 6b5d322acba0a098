# PTX from CUDA C++. TESSERA_NVCC is empty where there is no CUDA toolkit.
find_program(TESSERA_NVCC nvcc HINTS "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)

# tessera_ptx(OUTPUT SOURCE OPTION...): a rule that compiles SOURCE for sm_80.
function(tessera_ptx output source)
  get_filename_component(folder ${output} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${output}
    COMMAND ${TESSERA_NVCC} -ptx -arch=sm_80 -std=c++17 -I${PROJECT_SOURCE_DIR}
            -I${PROJECT_SOURCE_DIR}/include ${ARGN}
            -MD -MF ${output}.d -MT ${output} -o ${output} ${source}
    DEPENDS ${source} DEPFILE ${output}.d
    COMMENT "PTX ${output}" VERBATIM)
endfunction()

# tessera_fatbin(OUTPUT SOURCE): an image with the cubin for sm_80 and PTX for what is newer.
function(tessera_fatbin output source)
  get_filename_component(folder ${output} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${output}
    COMMAND ${TESSERA_NVCC} -fatbin -gencode arch=compute_80,code=[sm_80,compute_80] -std=c++17 -O3
            -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include
            -MD -MF ${output}.d -MT ${output} -o ${output} ${source}
    DEPENDS ${source} DEPFILE ${output}.d
    COMMENT "fatbin ${output}" VERBATIM)
endfunction()

# tessera_cubin(OUTPUT SOURCE): the same machine code as in the image, for the gates.
function(tessera_cubin output source)
  add_custom_command(OUTPUT ${output}
    COMMAND ${TESSERA_NVCC} -cubin -arch=sm_80 -std=c++17 -O3
            -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include
            -MD -MF ${output}.d -MT ${output} -o ${output} ${source}
    DEPENDS ${source} DEPFILE ${output}.d
    COMMENT "cubin ${output}" VERBATIM)
endfunction()
