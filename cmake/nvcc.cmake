# What nvcc compiles. TESSERA_NVCC is empty where there is no CUDA toolkit.
find_program(TESSERA_NVCC nvcc HINTS "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)
set(TESSERA_NVCC_BUILD "" CACHE PATH
  "Another build's folder, its targets nvcc and gpusim made: what they made is taken from there")

# Everything that nvcc compiles.
add_custom_target(nvcc)

# tessera_nvcc(RESULT NAME SOURCE OPTION... [CUBIN CUBIN_NAME]): a rule that compiles SOURCE to the file
# NAME; RESULT becomes its path. The options must make one kind of machine code; CUBIN keeps it.
function(tessera_nvcc result name source)
  cmake_parse_arguments(PARSE_ARGV 3 ARG "" "CUBIN" "")
  if(TESSERA_NVCC_BUILD)
    file(RELATIVE_PATH folder ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR})
    set(${result} ${TESSERA_NVCC_BUILD}/${folder}/${name} PARENT_SCOPE)
    return()
  endif()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(${result} ${output} PARENT_SCOPE)
  set(make)
  set(keep)
  set(move)
  if(ARG_CUBIN)
    get_filename_component(stem ${source} NAME_WE)
    set(cubin ${CMAKE_CURRENT_BINARY_DIR}/${ARG_CUBIN})
    set(kept ${output}.keep)
    set(make COMMAND ${CMAKE_COMMAND} -E make_directory ${kept})
    set(keep --keep --keep-dir ${kept})
    set(move COMMAND ${CMAKE_COMMAND} -E rename ${kept}/${stem}.sm_80.cubin ${cubin}
             COMMAND ${CMAKE_COMMAND} -E rm -r ${kept})
  endif()
  add_custom_command(OUTPUT ${output} ${cubin}
    ${make}
    COMMAND ${TESSERA_NVCC} ${ARG_UNPARSED_ARGUMENTS} -std=c++17 -I${PROJECT_SOURCE_DIR}
            -I${PROJECT_SOURCE_DIR}/include ${keep} -MD -MF ${output}.d -MT ${output} -o ${output} ${source}
    ${move}
    DEPENDS ${source} DEPFILE ${output}.d COMMENT "nvcc ${name}" VERBATIM)
  string(MAKE_C_IDENTIFIER "nvcc_${name}" target)
  add_custom_target(${target} DEPENDS ${output} ${cubin})
  add_dependencies(nvcc ${target})
endfunction()
