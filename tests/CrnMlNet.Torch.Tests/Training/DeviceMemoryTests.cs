using System.Runtime.InteropServices;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class DeviceMemoryTests
{
    [Fact]
    public void WhatLibtorchCannotAllocateIsAnOutOfMemoryException()
    {
        var exception = Assert.Throws<OutOfMemoryException>(() => DeviceMemory.Guard(() => torch.empty([1L << 58], ScalarType.Byte)));

        Assert.IsType<ExternalException>(exception.InnerException);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void AnyOtherFaultStaysWhatItIs()
        => Assert.Throws<ExternalException>(() => DeviceMemory.Guard(() => torch.ones(2).reshape(3)));

    [Fact]
    public void CudasWordsAreKnown()
        => Assert.True(DeviceMemory.IsOutOfMemory(new ExternalException("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1.00 GiB")));
}
