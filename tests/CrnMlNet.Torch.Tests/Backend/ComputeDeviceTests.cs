using CrnMlNet.Torch.Backend;
using TorchSharp;

namespace CrnMlNet.Torch.Tests.Backend;

public sealed class ComputeDeviceTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("cpu", null)]
    [InlineData("CPU", null)]
    [InlineData("cpu", 0)]
    public void IsTheCpu(string? device, int? gpuDeviceId)
    {
        Assert.Equal(DeviceType.CPU, ComputeDevice.Resolve(device, gpuDeviceId, fallbackToCpu: false, log: null).type);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" cpu")]
    [InlineData("gpu")]
    [InlineData("cpu:0")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:99999999999")]
    public void ATextThatIsNoDeviceIsRefusedWithTheValidOnes(string device)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => ComputeDevice.Resolve(device, 0, fallbackToCpu: true, log: null));

        Assert.Equal("device", exception.ParamName);
        Assert.Contains("\"cpu\", \"cuda\"", exception.Message);
        Assert.Contains("\"cuda:1\"", exception.Message);
    }

    [Fact]
    public void ANegativeGpuIsRefused()
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => ComputeDevice.Resolve(null, -1, fallbackToCpu: true, log: null));

        Assert.Equal("gpuDeviceId", exception.ParamName);
    }

    [Theory]
    [InlineData("cuda", null, "cuda:0")]
    [InlineData("cuda:1", 0, "cuda:1")]
    [InlineData(null, 2, "cuda:2")]
    public void WithoutCudaTheErrorNamesWhatWasAskedFor(string? device, int? gpuDeviceId, string asked)
    {
        RequireNoCuda();

        var exception = Assert.Throws<InvalidOperationException>(() => ComputeDevice.Resolve(device, gpuDeviceId, fallbackToCpu: false, log: null));

        Assert.Contains($"Device {asked} was asked for", exception.Message);
        Assert.Contains("TorchBackend=cuda", exception.Message);
    }

    [Fact]
    public void WithoutCudaFallingBackLogsOneLine()
    {
        RequireNoCuda();
        var lines = new List<string>();

        var device = ComputeDevice.Resolve("cuda:1", null, fallbackToCpu: true, lines.Add);

        Assert.Equal(DeviceType.CPU, device.type);
        Assert.Contains("cuda:1", Assert.Single(lines));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    public void ADeviceThatExistsKeepsItsIndex(int index, int found)
    {
        var device = ComputeDevice.Choose(index, found, fallbackToCpu: true, log: null);

        Assert.Equal((DeviceType.CUDA, index), (device.type, device.index));
    }

    [Theory]
    [InlineData(1, 1, "has 1: cuda:0.")]
    [InlineData(5, 4, "has 4: cuda:0 to cuda:3.")]
    public void AnIndexBeyondTheDevicesIsAnErrorEvenWithFallback(int index, int found, string range)
    {
        var exception = Assert.Throws<InvalidOperationException>(() => ComputeDevice.Choose(index, found, fallbackToCpu: true, log: null));

        Assert.Contains($"cuda:{index}", exception.Message);
        Assert.Contains(range, exception.Message);
    }

    private static void RequireNoCuda()
    {
        TorchBackend.Start();
        if (torch.cuda.is_available())
            Assert.Skip("This system has CUDA.");
    }
}
